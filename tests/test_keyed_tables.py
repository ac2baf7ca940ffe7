"""Every keyed table, by its contract alone: what a file does to it, twice, changed, undone."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from psycopg import sql

from contracts.keyed import KeyedTable
from contracts.registry import load_tables
from flows.settings import Settings
from flows.undoing import run_undo
from tests.children import import_at_once
from tests.conftest import Import, snapshot

TABLES = load_tables()
Row = dict[str, str]


class Case(NamedTuple):
    """What the tests say of one table.

    Attributes:
        row: A row that can be loaded, by header.
        later: What a later statement says otherwise, and what then holds.
        held: Column -> value of the stored row after ``row`` and then ``row | later``.
        alone: The same after ``row | later`` alone.
    """

    row: Row
    later: Row
    held: Row
    alone: Mapping[str, str | None]


ANN = {"phone": "415-555-2671"}
CASES = {
    "boards": Case(
        {"name": "Solar", "type": "kanban", "rules": '{"b": 1, "a": [2]}'},
        {"type": "Pipeline"},
        {"type": "pipeline", "rules": '{"a": [2], "b": 1}'},
        {"type": "pipeline"},
    ),
    "businesses": Case(
        {
            "source_record_id": "b-1", "name": "Acme Roofing", "phone": "(415) 555-2672",
            "employees": "1,200",
        },
        {"name": "Acme Roofing Inc", "phone": "", "website": "acme.example"},
        {
            "name": "Acme Roofing Inc", "phone": "+14155552672", "website": "acme.example",
            "employees": "1200",
        },
        {"name": "Acme Roofing Inc", "phone": None, "website": "acme.example"},
    ),
    "business_owners": Case(
        {**ANN, "business_id": "b-0", "role": "CEO"}, {"role": "Chair"}, {"role": "CEO"},
        {"role": "Chair"},
    ),
    "campaign_leads": Case(
        {**ANN, "campaign_id": "spring", "added_at": "2026-01-02"},
        {"added_at": "2026-03-04"},
        {"added_at": "2026-01-02 00:00:00+00"},
        {"added_at": "2026-03-04 00:00:00+00"},
    ),
    "unified_lead_cards": Case(
        {**ANN, "total_score": "71.50", "enrichment_status": "pending"},
        {"enrichment_status": "enriched", "total_score": ""},
        {"enrichment_status": "enriched", "total_score": "71.5"},
        {"enrichment_status": "enriched", "total_score": None},
    ),
    "campaign_queue": Case(
        {**ANN, "agent": "sam", "channel": "sms", "scheduled_at": "2026-01-02T10:00:00Z"},
        {"scheduled_at": "2026-01-03T10:00:00Z"},
        {"scheduled_at": "2026-01-02 10:00:00+00", "status": "pending"},
        {"scheduled_at": "2026-01-03 10:00:00+00"},
    ),
    "import_deliveries": Case(
        {**ANN, "delivery_id": "d-1", "webhook_id": "w-1", "processing_time_ms": "12"},
        {"processing_time_ms": "99"},
        {"processing_time_ms": "12", "status": "duplicate"},
        {"processing_time_ms": "99"},
    ),
    "integrations": Case(
        {"name": "CRM", "provider": "zoho", "status": "active"},
        {"status": "paused", "provider": ""},
        {"status": "paused", "provider": "zoho"},
        {"status": "paused", "provider": None},
    ),
    "integration_fields": Case(
        {
            "integration_id": "CRM 0", "module_name": "Leads", "source_field": "Phone_1",
            "target_field": "phone",
        },
        {"target_field": "phones", "is_mandatory": "yes"},
        {"target_field": "phones", "is_mandatory": "true"},
        {"target_field": "phones"},
    ),
    "lead_activities": Case(
        {**ANN, "external_id": "a-1", "activity_type": "call", "occurred_at": "2026-01-02 10:00"},
        {"activity_type": "note"},
        {"activity_type": "call"},
        {"activity_type": "note"},
    ),
    "messages": Case(
        {
            **ANN, "external_id": "m-1", "direction": "outbound", "status": "delivered",
            "body": "Hi\tthere",
        },
        {"status": "queued", "body": "Hello"},
        {"status": "delivered", "body": "Hi\tthere"},
        {"status": "queued", "body": "Hello"},
    ),
    "properties": Case(
        {**ANN, "external_id": "p-1", "source": "mls", "city": "Reno", "bathrooms": "2.5"},
        {"bathrooms": "3"},
        {"bathrooms": "3", "city": "Reno"},
        {"bathrooms": "3"},
    ),
    "property_distress_scores": Case(
        {"external_id": "p-1", "provider": "x", "score": "80", "scored_at": "2026-01-02"},
        {"score": "75", "scored_at": "2026-01-03"},
        {"score": "75", "scored_at": "2026-01-03 00:00:00+00"},
        {"score": "75"},
    ),
    "skiptrace_results": Case(
        {
            **ANN, "provider": "batch", "success": "yes", "processed_at": "2026-01-02",
            "raw_response": '{"a":1}',
        },
        {"success": "no", "processed_at": "2026-01-03", "raw_response": ""},
        {"success": "true", "raw_response": '{"a": 1}'},
        {"success": "false", "raw_response": None},
    ),
}  # fmt: skip


def test_every_table_is_here() -> None:
    """Whoever adds a table says what a statement of it is, and a later one."""
    assert set(CASES) == set(TABLES)


def as_csv(*rows: Row) -> str:
    headers = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(headers)]
    for row in rows:
        cells = (row.get(name, "").replace('"', '""') for name in headers)
        lines.append(",".join(f'"{cell}"' for cell in cells))
    return "\n".join(lines) + "\n"


@pytest.fixture(params=sorted(TABLES))
def table(request: pytest.FixtureRequest, import_text: Import) -> KeyedTable:
    """A table, in a database where what its rows refer to is there."""
    found = TABLES[request.param]
    refers_to = {each.to for _, each in found.references()}
    if refers_to:
        import_text("name,phone,record id\nAnn Lee,415-555-2671,r-1\n")
    if "businesses" in refers_to:
        import_text("source_record_id,name\nb-0,Zero Inc\n", "businesses", "businesses.csv")
    if "integrations" in refers_to:
        import_text("name\nCRM 0\n", "integrations", "integrations.csv")
    if "unified_lead_cards" in refers_to:
        import_text(as_csv(ANN), "unified_lead_cards", "cards.csv")
    return found


def stored(connection: psycopg.Connection, table: KeyedTable, row: Mapping[str, str]) -> list[Row]:
    """The rows of a table that are about a case, as text, without who changed them and when."""
    where = [name for name in ("name", "external_id", "source_record_id") if name in table.key]
    condition = [
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(row[name])) for name in where
    ]
    names = (*table.columns, table.id_column)
    select = sql.SQL("SELECT {} FROM {} WHERE {}").format(
        sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names),
        sql.Identifier(table.name),
        sql.SQL(" AND ").join([sql.SQL("true"), *condition]),
    )
    return [dict(zip(names, found, strict=True)) for found in connection.execute(select)]


def test_the_life_of_a_row(
    table: KeyedTable, import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """It comes in once; a later statement is merged by the rules; each is taken back alone."""
    case = CASES[table.name]
    text = as_csv(case.row)
    outcome = import_text(text, table.name, "rows.csv")
    assert outcome.counts.inserted == outcome.counts.landed == 1, outcome
    assert outcome.effects[table.name] == {"insert": 1}
    (first,) = stored(connection, table, case.row)

    before = snapshot(connection)
    again = import_text(text, table.name, "rows.csv")
    assert again.counts.unchanged == again.counts.landed == 1, again
    assert again.effects == {}
    assert snapshot(connection) == before

    later = import_text(as_csv(case.row | case.later), table.name, "later.csv")
    (held,) = stored(connection, table, case.row)
    assert {name: held[name] for name in case.held} == case.held
    assert held[table.id_column] == first[table.id_column]
    later_again = import_text(as_csv(case.row | case.later), table.name, "later.csv")
    assert later_again.effects == {}

    # What two imports state goes with the second of them.
    undone = run_undo(later.import_id, settings)
    assert undone.status == "done", undone
    assert stored(connection, table, case.row) == [held]
    both_undone = run_undo(later_again.import_id, settings)
    assert stored(connection, table, case.row) == [first]
    run_undo(both_undone.import_id, settings)
    assert stored(connection, table, case.row) == [held]
    run_undo(undone.import_id, settings)
    assert stored(connection, table, case.row) == [held]

    first_undone = run_undo(outcome.import_id, settings)
    assert stored(connection, table, case.row) == [held]
    both_undone = run_undo(again.import_id, settings)
    # As the later file says, whatever a conflict does.
    (left,) = stored(connection, table, case.row)
    assert {name: left[name] for name in case.alone} == case.alone
    run_undo(first_undone.import_id, settings)
    run_undo(both_undone.import_id, settings)
    assert stored(connection, table, case.row) == [held]


def test_duplicates_within_a_file_are_one_row(
    table: KeyedTable, import_text: Import, connection: psycopg.Connection
) -> None:
    """The row counts once, and is as if one statement had come after the other."""
    case = CASES[table.name]
    outcome = import_text(as_csv(case.row, case.row, case.row | case.later), table.name, "rows.csv")
    assert outcome.counts.landed == 3
    assert (outcome.counts.inserted, outcome.counts.duplicate) == (1, 2), outcome
    (row,) = stored(connection, table, case.row)
    assert {name: row[name] for name in case.held} == case.held
    again = import_text(as_csv(case.row, case.row | case.later), table.name, "again.csv")
    assert again.effects == {}


def test_two_processes_at_once_make_one_row(
    table: KeyedTable, connection: psycopg.Connection, settings: Settings, tmp_path: Path
) -> None:
    """One brings the row in, the other finds it there."""
    case = CASES[table.name]
    paths = [tmp_path / "here.csv", tmp_path / "there.csv"]
    for path in paths:
        path.write_text(as_csv(case.row))
    told = import_at_once(settings, table.name, paths)
    assert [(each.status, each.reason) for each in told] == [("done", "")] * 2
    assert sorted(each.counts.inserted for each in told) == [0, 1]
    assert [each.counts.landed for each in told] == [1, 1]
    assert len(stored(connection, table, case.row)) == 1


def test_edits_by_hand_stay_and_duplicates_are_refused(
    table: KeyedTable, import_text: Import, connection: psycopg.Connection
) -> None:
    """What somebody wrote is not overwritten, and nobody can write a second row of a key."""
    case = CASES[table.name]
    import_text(as_csv(case.row), table.name, "rows.csv")
    name, kind = next(
        (name, each.kind)
        for name, each in table.columns.items()
        if name not in (*table.key, *table.where)
        and each.kind in ("text", "id", "number", "time", "word")
    )
    last_word = next(reversed(table.columns[name].ranks), "by hand")
    edited = {"number": "12345", "time": "2020-01-01 00:00:00+00"}.get(kind, last_word)
    connection.execute(
        sql.SQL("UPDATE {} SET {} = {}").format(
            sql.Identifier(table.name), sql.Identifier(name), sql.Literal(edited)
        )
    )
    import_text(as_csv(case.row | case.later), table.name, "later.csv")
    (row,) = stored(connection, table, case.row)
    assert row[name] == edited

    names = sql.SQL(", ").join(sql.Identifier(each) for each in ("team_id", *table.columns))
    with pytest.raises(psycopg.errors.UniqueViolation) as caught:
        connection.execute(
            sql.SQL("INSERT INTO {0} ({1}) SELECT {1} FROM {0}").format(
                sql.Identifier(table.name), names
            )
        )
    assert caught.value.diag.constraint_name == table.index


@pytest.mark.parametrize(
    "name",
    [name for name, each in TABLES.items() if any(r.is_required for _, r in each.references())],
)
def test_a_row_without_what_it_refers_to_is_rejected(
    name: str, import_text: Import, connection: psycopg.Connection
) -> None:
    """It is kept among the rejects, as it came."""
    needed = [column for column, each in TABLES[name].references() if each.is_required]
    row = {k: v for k, v in CASES[name].row.items() if k not in ANN}
    row |= dict.fromkeys(needed, "nobody knows")
    outcome = import_text(as_csv(row), name, "rows.csv")
    assert (outcome.counts.landed, outcome.counts.rejected) == (1, 1), outcome
    assert outcome.effects == {}
    ((code, raw),) = connection.execute(
        "SELECT code, raw FROM import_issues WHERE severity = 'reject'"
    ).fetchall()
    assert code == "reference_unknown"
    assert b"nobody knows" in raw


def test_a_dry_run_tells_and_writes_nothing(
    import_text: Import, connection: psycopg.Connection
) -> None:
    """What it says is what the import then does; changed columns are told one by one."""
    text = "external_id,status\nm-1,queued\nm-2,sent\n"
    import_text(text, "messages", "messages.csv")
    before = snapshot(connection)
    text = "external_id,status\nm-1,sent\nm-2,sent\nm-3,read\n"
    told = import_text(text, "messages", "messages.csv", is_dry_run=True)
    assert snapshot(connection) == before
    assert told.changes is not None
    assert told.changes.counts["messages"] == {"insert": 1, "update": 1}
    changed = next(each.first for each in told.changes.samples if each.first.action == "update")
    assert (changed.field, changed.before, changed.after) == ("status", "queued", "sent")
    assert import_text(text, "messages", "messages.csv").counts == told.counts


def test_contracts_agree_with_postgres(connection: psycopg.Connection) -> None:
    """Each column is there, and the unique index is over the key."""
    for table in TABLES.values():
        columns = {
            name
            for (name,) in connection.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s",
                [table.name],
            )
        }
        assert {table.id_column, *table.columns} <= columns, table.name
        ((definition,),) = connection.execute(
            "SELECT indexdef FROM pg_indexes WHERE indexname = %s", [table.index]
        ).fetchall()
        key = table.key if table.is_shared else ("team_id", *table.key)
        assert f"CREATE UNIQUE INDEX {table.index} " in definition
        assert f"({', '.join(key)})" in definition
