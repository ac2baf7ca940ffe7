"""``leadfold verify``: each unique key is in force, or it is told which is not."""

import json

import psycopg
import pytest
from click.testing import CliRunner

from contracts.uniqueness import Key, list_keys
from flows.cli import leadfold
from flows.settings import Settings
from flows.verified import Verified
from flows.verifying import verify
from tests.conftest import Import, snapshot


def of(connection: psycopg.Connection, name: str) -> Verified:
    """What is found of a table's one key, or of an index."""
    (found,) = (each for each in verify(connection) if name in (each.table, each.index))
    return found


def test_all_is_well_and_nothing_is_left(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Each key of people and of every table is tried, and no row is written for good."""
    import_text("name,phone\nAnn,415-555-2671\n")
    import_text("external_id,phone\nm-1,415-555-2671\n", "messages", "m.csv")
    before = snapshot(connection)
    found = list(verify(connection))
    assert [each.table for each in found] == [key.table for key in list_keys()]
    assert [each for each in found if not each.is_well] == []
    assert snapshot(connection) == before
    assert of(connection, "messages").allows_other_teams is False
    assert of(connection, "skiptrace_results").allows_other_teams is True


@pytest.mark.parametrize("key", list_keys(), ids=lambda key: key.index)
def test_a_missing_index_is_told(key: Key, connection: psycopg.Connection) -> None:
    """Without it a second row is taken: the try finds out, whatever the catalogue says."""
    connection.execute(f"DROP INDEX {key.index}")
    found = of(connection, key.index)
    # What Postgres makes of the columns of another key is refused by that one, too.
    assert (found.is_there, found.refuses_duplicates) == (False, bool(key.made_of))
    assert not found.is_well


def test_duplicates_are_counted(connection: psycopg.Connection) -> None:
    """As many as there are beyond the first of each key; a blank key is none."""
    connection.execute("DROP INDEX boards_team_name_unique_idx")
    for name in ("a", "a", "a", "b", "c", "c"):
        connection.execute("INSERT INTO boards (team_id, name) VALUES ('acme', %s)", [name])
    connection.execute("INSERT INTO boards (team_id, name) VALUES ('borea', 'a')")
    assert of(connection, "boards").duplicates == 3


def test_an_index_over_too_little_is_found_by_trying(connection: psycopg.Connection) -> None:
    """One that forgets the team refuses another team's value."""
    connection.execute("DROP INDEX boards_team_name_unique_idx")
    connection.execute("CREATE UNIQUE INDEX boards_team_name_unique_idx ON boards (name)")
    found = of(connection, "boards")
    assert (found.is_there, found.refuses_duplicates) == (True, True)
    assert (found.allows_other_teams, found.is_well) == (False, False)


def test_the_command_tells_scripts_and_people(
    settings: Settings, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 0 where all is well, 1 where something is wrong, which is told."""
    monkeypatch.setenv("LEADFOLD_HOME", str(settings.home))
    monkeypatch.setenv("LEADFOLD_DATABASE_URL", settings.database_url)
    well = CliRunner().invoke(leadfold, ["verify"])
    assert (well.exit_code, "no row stands there twice" in well.output) == (0, True)
    connection.execute("DROP INDEX messages_external_id_unique_idx")
    wrong = CliRunner().invoke(leadfold, ["verify"])
    assert wrong.exit_code == 1
    assert "messages_external_id_unique_idx" in wrong.output
    told = json.loads(CliRunner().invoke(leadfold, ["verify", "--json"]).output)
    assert told["is_well"] is False
    assert [each["table"] for each in told["keys"] if not each["is_well"]] == ["messages"]
