"""docs/adopt.md: a table that is adopted takes imports as the page says."""

import re
from pathlib import Path

import psycopg
import pytest

from contracts.adoption import parse_mapping
from contracts.registry import build_tables, load_sources, load_tables, parse_source
from contracts.table_sources import check_tables
from flows.adopt.adopting import apply
from flows.adopt.adoption import resolve
from flows.adopt.locks import KINDS
from flows.adopt.schema import read_references, read_tables
from flows.erasing import run_erase
from flows.settings import Settings
from flows.undoing import run_undo
from flows.verifying import verify
from tests.conftest import Import

PAGE = (Path(__file__).parent.parent / "docs" / "adopt.md").read_text(encoding="utf-8")
APP = """
CREATE TABLE contacts (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, workspace_id int NOT NULL DEFAULT 1,
    phone text, name text, email text, score numeric DEFAULT 7
);
CREATE TABLE visits (id int PRIMARY KEY, contact_id int REFERENCES contacts ON DELETE CASCADE);
INSERT INTO contacts (phone, name) VALUES
    ('+14155552671', NULL), ('+14155552671', 'Ann'), ('+14155552679', 'Zed');
"""
CONTACTS = "SELECT phone, name, email, score::int FROM contacts ORDER BY phone"


def block(kind: str, number: int) -> str:
    """One of the blocks of a language."""
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)[number]


@pytest.fixture
def adopted(connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> psycopg.Connection:
    """An application's table that was adopted, and is imported into, in a database of ours."""
    connection.execute(APP)
    mapping = parse_mapping(
        "tables: {contacts: {keys: [[phone, workspace]], columns: {workspace: workspace_id}}}", "it"
    )
    tables = read_tables(connection)
    references = read_references(connection, tables.values())
    apply(connection, resolve(mapping, tables, references), print)
    table = build_tables({"crm_contacts": block("yaml", 1)})["crm_contacts"]
    connection.execute(block("sql", 0))
    monkeypatch.setitem(load_tables(), table.name, table)
    source = parse_source(block("yaml", 2), "the page")
    check_tables(source, load_tables())
    monkeypatch.setitem(load_sources(), source.name, source)
    return connection


def contacts(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    return connection.execute(CONTACTS).fetchall()


def test_every_statement_that_locks_is_on_the_page() -> None:
    """With its lock."""
    for kind in KINDS.values():
        assert re.search(
            rf"^\| `?{re.escape(kind.statement)}.*{re.escape(kind.lock)}.*\\d s \\|$", PAGE, re.M
        )


def test_imports_go_into_the_adopted_table_and_out_of_it(
    adopted: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """New rows come in, blanks are filled, what is there stays; again nothing; undone as before."""
    before = contacts(adopted)
    first = import_text(block("csv", 0), "crm_list", "c.csv")
    assert first.status == "done", first
    assert first.effects["crm_contacts"] == {"insert": 2}
    imported = [
        ("+14155552671", "Ann", "ann@example.com", 7),
        ("+14155552672", "Bob Ray", "bob@example.com", 7),
        ("+14155552679", "Zed", None, 7),
    ]
    assert contacts(adopted) == imported
    versions = "SELECT xmin::text FROM contacts ORDER BY id"
    written = adopted.execute(versions).fetchall()
    again = import_text(block("csv", 0), "crm_list", "c.csv")
    assert again.effects == {}
    assert adopted.execute(versions).fetchall() == written
    later = block("csv", 0).replace("ann@", "lee@").replace("bob@", "ray@")
    second = import_text(later, "crm_list", "d.csv")
    assert [row[2] for row in contacts(adopted)] == ["lee@example.com", "ray@example.com", None]
    run_undo(second.import_id, settings)
    assert contacts(adopted) == imported
    (found,) = (each for each in verify(adopted) if each.table == "crm_contacts")
    assert found.is_well
    (found,) = (each for each in verify(adopted) if each.is_adopted)
    assert found.is_well
    run_undo(first.import_id, settings)
    assert contacts(adopted) == imported  # The second import says so, too.
    run_undo(again.import_id, settings)
    assert contacts(adopted) == before
    assert adopted.execute("SELECT * FROM adopted_rows").fetchall() == []


def test_what_the_application_says_stays(
    adopted: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """Edited, emptied or deleted there: no import and no undo writes over it."""
    first = import_text(block("csv", 0), "crm_list", "c.csv")
    adopted.execute("UPDATE contacts SET email = 'mine@app' WHERE phone = '+14155552672'")
    adopted.execute("UPDATE contacts SET email = NULL WHERE phone = '+14155552671'")
    later = block("csv", 0).replace("@example.com", "@example.org").replace("Bob Ray", "Rob Ray")
    import_text(later + "3,415-555-2673,Cid Foe,\n", "crm_list", "d.csv")
    edited = [
        ("+14155552671", "Ann", None, 7),
        ("+14155552672", "Rob Ray", "mine@app", 7),
        ("+14155552673", "Cid Foe", None, 7),
        ("+14155552679", "Zed", None, 7),
    ]
    assert contacts(adopted) == edited
    adopted.execute("DELETE FROM contacts WHERE phone = '+14155552673'")
    import_text("Contact ID,Phone,Name,Email\n3,415-555-2673,Cid Fox,\n", "crm_list", "e.csv")
    assert contacts(adopted) == [row for row in edited if row[0] != "+14155552673"]
    run_undo(first.import_id, settings)
    assert contacts(adopted)[1] == ("+14155552672", "Rob Ray", "mine@app", 7)


def test_a_row_that_the_application_refers_to_stays_when_its_import_goes(
    adopted: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """It would take what refers to it along."""
    first = import_text(block("csv", 0), "crm_list", "c.csv")
    adopted.execute("INSERT INTO visits SELECT 1, id FROM contacts WHERE name = 'Bob Ray'")
    run_undo(first.import_id, settings)
    assert [row[1] for row in contacts(adopted)] == ["Ann", "Bob Ray", "Zed"]
    assert adopted.execute("SELECT count(*) FROM visits").fetchone() == (1,)


def test_a_person_who_is_erased_is_erased_there_too(
    adopted: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """What imports have put in; the rest is the application's."""
    import_text(block("csv", 0), "crm_list", "c.csv")
    run_erase("+14155552672", settings, "acme")
    run_erase("+14155552671", settings, "acme")
    assert contacts(adopted) == [("+14155552671", "Ann", None, 7), ("+14155552679", "Zed", None, 7)]
    assert adopted.execute("SELECT * FROM adopted_rows").fetchall() == []


def test_a_row_that_the_application_edits_elsewhere_stays_when_its_import_goes(
    adopted: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """Also in a column that no import fills."""
    first = import_text(block("csv", 0), "crm_list", "c.csv")
    adopted.execute("UPDATE contacts SET score = 99 WHERE name = 'Bob Ray'")
    run_undo(first.import_id, settings)
    assert contacts(adopted)[1] == ("+14155552672", "Bob Ray", "bob@example.com", 99)


def test_what_an_import_had_said_is_not_what_the_application_had(
    adopted: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """An undo of all that spoke of a value leaves none; what must have one keeps the last."""
    adopted.execute("UPDATE contacts SET name = coalesce(name, '')")
    adopted.execute("ALTER TABLE contacts ALTER name SET NOT NULL, ALTER name SET DEFAULT ''")
    header = "Contact ID,Phone,Name,Email\n"
    first = import_text(header + "2,415-555-2672,Bob,one@x.com\n", "crm_list", "a.csv")
    second = import_text(header + "2,415-555-2672,Bob,two@x.com\n", "crm_list", "b.csv")
    import_text("Contact ID,Phone\n2,415-555-2672\n", "crm_list", "c.csv")
    run_undo(second.import_id, settings)
    assert contacts(adopted)[1][2] == "one@x.com"
    run_undo(first.import_id, settings)
    assert contacts(adopted)[1] == ("+14155552672", "Bob", None, 7)


def test_a_row_of_two_teams_stays_with_the_other(
    adopted: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """Whoever put it in."""
    adopted.execute("INSERT INTO teams (team_id, name, region) VALUES ('borea', 'Borea', 'US')")
    definition = block("sql", 0).split("CREATE TRIGGER leadfold_write")[1]
    adopted.execute("DROP TRIGGER leadfold_write_crm_contacts ON crm_contacts")
    both = '{"acme": 1, "borea": 1}'
    adopted.execute("CREATE TRIGGER leadfold_write" + definition.replace('{"acme": 1}', both))
    before = contacts(adopted)
    mine = import_text(block("csv", 0), "crm_list", "c.csv")
    theirs = import_text(block("csv", 0), "crm_list", "c.csv", "borea")
    imported = contacts(adopted)
    run_undo(mine.import_id, settings)
    assert contacts(adopted) == imported
    run_undo(theirs.import_id, settings)
    assert contacts(adopted) == before


def test_a_key_that_is_edited_by_hand_takes_its_row_along(
    adopted: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """Or the old one would stay, and nobody would know of it."""
    import_text(block("csv", 0), "crm_list", "c.csv")
    adopted.execute("UPDATE crm_contacts SET phone = '+14155550000' WHERE full_name = 'Bob Ray'")
    assert [row[0] for row in contacts(adopted)] == [
        "+14155550000",
        "+14155552671",
        "+14155552679",
    ]


def test_a_table_whose_key_is_not_unique_is_not_written_into(
    adopted: psycopg.Connection, import_text: Import
) -> None:
    """As after ``leadfold adopt --restore``: which of two rows would it be?"""
    adopted.execute("DROP INDEX contacts_phone_workspace_id_unique_idx")
    adopted.execute("INSERT INTO contacts (phone) VALUES ('+14155552671')")
    before = contacts(adopted)
    refused = import_text(block("csv", 0), "crm_list", "c.csv")
    assert refused.status == "failed"
    assert "contacts has several rows of one key" in refused.reason
    assert contacts(adopted) == before


def test_a_team_without_a_workspace_is_told(
    adopted: psycopg.Connection, import_text: Import
) -> None:
    """Nothing goes into the workspace of another team."""
    adopted.execute("INSERT INTO teams (team_id, name, region) VALUES ('borea', 'Borea', 'US')")
    refused = import_text(block("csv", 0), "crm_list", "c.csv", "borea")
    assert refused.status == "failed"
    assert "for team borea has no value for all of the key of contacts" in refused.reason
    assert len(contacts(adopted)) == 2
