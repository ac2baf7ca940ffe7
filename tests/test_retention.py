"""Retention: what is older than anybody wants goes, and what holds now stays."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from contracts.errors import ContractError
from contracts.retention import Retention, load_retention
from flows import ledger
from flows.jobs import make_import_id
from flows.refolding import run_refold
from flows.retention import run_maintenance
from flows.settings import Settings
from tests.conftest import Import
from tests.states import content

HEADER = "id,first_name,phone,city,status,updated_at\n"
DAY_SECONDS = 86_400


def keep(settings: Settings, text: str) -> None:
    settings.home.mkdir(parents=True, exist_ok=True)
    (settings.home / "retention.yaml").write_text(text)


def age(connection: psycopg.Connection, days: int) -> None:
    """All imports are that many days older."""
    connection.execute(
        "UPDATE imports SET finished_at = finished_at - %s, started_at = started_at - %s",
        [timedelta(days=days)] * 2,
    )


def count(connection: psycopg.Connection, table: str) -> int:
    (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
    return int(rows)


def test_by_default_nothing_is_ever_removed(
    connection: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """Somebody has to ask for it, kind by kind."""
    assert load_retention() == Retention()
    import_text(HEADER + "1,Ann,415-555-2671,Rome,new,\n")
    age(connection, 10_000)
    done = run_maintenance(settings)
    assert (done.files, done.rows) == ({}, {})
    assert done.lines() == ["There is nothing to remove."]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("landed: soon", "landed: Input should be a valid integer"),
        ("landed: 0", "landed: Input should be greater than or equal to 1"),
        ("people: 5", "people: Extra inputs are not permitted"),
        ("- landed", "it must name kinds"),
        ("landed: [", "not readable as YAML"),
    ],
)
def test_a_wrong_retention_is_told(settings: Settings, text: str, message: str) -> None:
    """File, kind and what was expected; nothing is removed."""
    keep(settings, text)
    with pytest.raises(ContractError, match=message) as error:
        run_maintenance(settings)
    assert str(settings.home / "retention.yaml") in str(error.value)


def test_files_go_by_their_age(connection: psycopg.Connection, settings: Settings) -> None:
    """Each kind by its own days; what an import is reading stays; a dry run only tells."""
    keep(settings, "landed: 30\narchived: 10\nquarantined: null\nplans: 1\n")
    digest = "ab" * 32
    ledger.start_import(
        connection,
        make_import_id(),
        team_id="acme",
        source="generic",
        source_file="generic/a",
        file_name="a.csv",
        started_by="test",
    )
    connection.execute("UPDATE imports SET file_hash = %s", [digest])
    for place, days in (
        ("landing/old.csv", 31),
        ("landing/new.csv", 29),
        (f"landing/{digest}.csv", 90),
        ("landing/.landing-x.part", 2),
        ("archive/2026/old.csv", 11),
        ("archive/new.csv", 9),
        ("quarantine/old.csv", 900),
        ("plans/old.parquet", 2),
    ):
        path = settings.home / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
        os.utime(path, times=(time.time() - days * DAY_SECONDS,) * 2)
    expected = {"landed": 2, "archived": 1, "plans": 1}
    assert run_maintenance(settings, is_dry_run=True).files == expected
    assert run_maintenance(settings).files == expected
    assert run_maintenance(settings).files == {}
    left = {str(path.relative_to(settings.home)) for path in settings.home.rglob("*.*")}
    assert left >= {"landing/new.csv", f"landing/{digest}.csv", "archive/new.csv"}
    assert "quarantine/old.csv" in left
    assert "landing/old.csv" not in left


def test_pruned_versions_take_nothing_that_holds(
    connection: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """Old histories go and their imports cannot be undone; people, a refold and later imports are
    as without."""
    import_text(HEADER + "1,Ann,415-555-2671,Rome,new,2026-01-01\n2,Bob,415-555-3000,Ulm,new,\n")
    import_text(HEADER + "1,Anna,415-555-2671,,won,2026-02-01\n2,Bob,415-555-3000,Bonn,,\n")
    age(connection, 100)
    import_text(HEADER + "2,Rob,415-555-3000,Kiel,,\n3,Cid,415-555-4000,Oslo,new,\n")
    keep(settings, "versions: 50\n")
    before = content(connection)
    versions = count(connection, "lead_versions")
    dry = run_maintenance(settings, is_dry_run=True)
    assert count(connection, "lead_versions") == versions
    done = run_maintenance(settings)
    assert dry.rows == done.rows
    assert done.rows["lead_versions"] == 2
    assert done.rows["imports"] == 2
    assert done.rows["persona_versions"] > 0
    assert count(connection, "lead_versions") == versions - 2
    assert content(connection) == before
    marks = connection.execute("SELECT is_undoable FROM imports ORDER BY import_id").fetchall()
    assert marks == [(False,), (False,), (True,)]
    assert set(run_maintenance(settings).rows.values()) == {0}
    assert run_refold("acme", settings).effects == {}
    # An older statement fills no field that a newer one had filled; a blank one fills.
    import_text(HEADER + "1,Old,415-555-2671,Nice,old,2025-01-01\n", name="list.csv")
    found = connection.execute(
        "SELECT first_name, city, lead_status FROM leads WHERE source_record_id = '1'"
    ).fetchall()
    assert found == [("Anna", "Rome", "won")]


def test_versions_that_a_hand_or_an_undo_may_need_stay(
    connection: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """A lead that was edited by hand is not its own statement."""
    import_text(HEADER + "1,Ann,415-555-2671,Rome,new,\n2,Bob,415-555-3000,Ulm,new,\n")
    connection.execute("UPDATE leads SET lead_status = 'hand' WHERE source_record_id = '1'")
    age(connection, 100)
    keep(settings, "versions: 50\n")
    assert count(connection, "lead_versions") == 1
    run_maintenance(settings)
    assert count(connection, "lead_versions") == 1


def test_texts_of_rejects_go_when_no_import_shows_them_any_more(
    connection: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """Line and reason stay; a file that came again keeps those of its first import."""
    text = "name,phone\nAnn,415-555-2671\nZed,12\n"
    import_text(text, name="again.csv")
    import_text(text, name="once.csv")
    age(connection, 40)
    import_text(text, name="again.csv")
    keep(settings, "issues: 30\n")
    done = run_maintenance(settings)
    assert done.rows["import_issues"] > 0
    found = connection.execute(
        "SELECT file_name, bool_or(raw IS NOT NULL) FROM import_issues JOIN imports USING"
        " (import_id) GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert found == [("again.csv", True), ("once.csv", False)]


def test_what_a_killed_import_left_is_swept(
    connection: psycopg.Connection, settings: Settings, tmp_path: Path
) -> None:
    """Its folder goes and the ledger says that it failed."""
    import_id = make_import_id()
    ledger.start_import(
        connection,
        import_id,
        team_id="acme",
        source="generic",
        source_file="generic/a",
        file_name="a.csv",
        started_by="test",
    )
    (settings.work / import_id).mkdir(parents=True)
    (settings.work / f"{import_id}.lock").touch()
    assert run_maintenance(settings, is_dry_run=True).killed == []
    assert run_maintenance(settings, now=datetime.now(UTC)).killed == [import_id]
    assert ledger.find_import(connection, import_id).status == "failed"
    assert not (settings.work / import_id).exists()
