"""docs/tables.md: the table that it adds works as it says, and the tables that it lists are all."""

import re
from pathlib import Path

import psycopg
import pytest

from contracts.registry import build_tables, load_source, load_sources, load_tables
from contracts.table_sources import make_source
from flows.settings import Settings
from flows.undoing import run_undo
from flows.verifying import verify
from tests.conftest import Import

PAGE = (Path(__file__).parent.parent / "docs" / "tables.md").read_text(encoding="utf-8")


def block(kind: str) -> str:
    """The last block of a language."""
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)[-1]


def test_the_page_lists_every_table_and_its_key() -> None:
    """As the contracts say."""
    listed = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", PAGE, re.MULTILINE))
    assert listed == {
        table.name: ", ".join(table.key) + (", among all teams" if table.is_shared else "")
        for table in load_tables().values()
    }


def test_a_table_is_added_with_a_contract_and_a_migration(
    import_text: Import,
    connection: psycopg.Connection,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the page shows is all that it takes: importing, merging, undo and verify work."""
    table = build_tables({"appointments": block("yaml")})["appointments"]
    connection.execute(block("sql"))
    monkeypatch.setitem(load_tables(), table.name, table)
    source = make_source(table, load_tables(), load_source("generic"))
    monkeypatch.setitem(load_sources(), table.name, source)

    first = import_text(block("csv"), "appointments", "a.csv")
    assert first.effects["appointments"] == {"insert": 2}
    issues = connection.execute("SELECT line_no, code FROM import_issues ORDER BY code").fetchall()
    assert issues == [(3, "time_unreadable"), (3, "word_unknown")]
    later = block("csv").replace("Planned", "kept").replace("soon", "2026-01-03")
    second = import_text(later, "appointments", "b.csv")
    assert second.effects["appointments"] == {"update": 2}
    rows = "SELECT external_id, starts_at::date::text, state FROM appointments ORDER BY 1"
    assert connection.execute(rows).fetchall() == [
        ("a-1", "2026-01-02", "kept"),
        ("a-2", "2026-01-03", None),
    ]
    run_undo(second.import_id, settings)
    assert connection.execute(rows).fetchall() == [
        ("a-1", "2026-01-02", "planned"),
        ("a-2", None, None),
    ]
    (found,) = (each for each in verify(connection) if each.table == "appointments")
    assert found.is_well
