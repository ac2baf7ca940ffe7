"""All that is held about a person, in one document that only its owner reads."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from contracts.errors import WrongCallError
from contracts.keyed import LEADS, PERSONAS, KeyedTable
from contracts.registry import load_tables
from flows import teams
from flows.explaining import as_of_now
from flows.exporting import TABLES, export, write_document
from flows.finding import find_person
from flows.settings import Settings
from tests.conftest import Import
from tests.test_survive import EMAIL

PHONE = "+14155552671"
Export = Callable[..., dict[str, Any]]
# What a document may leave out of a row of these: digests and figures, none of a person.
ONLY_LEDGER = {"imports"}


@pytest.fixture
def document(connection: psycopg.Connection, settings: Settings) -> Export:
    """The document of whom a text means."""

    def do(who: str = EMAIL) -> dict[str, Any]:
        with as_of_now(connection):
            return export(connection, find_person(connection, who, "acme"), settings)

    return do


@pytest.fixture
def full(connection: psycopg.Connection, import_text: Import) -> str:
    """A person of whom every table knows something, and her id; others who are none of it."""
    head = "id,first_name,phone,email,city,updated_at,opt_out\n"
    import_text(f"{head}1,Ann,{PHONE},{EMAIL},Bonn,2026-01-01,\n", name="a.csv")
    import_text(f"{head}1,Ann,{PHONE},{EMAIL},Rome,2026-02-01,\n", name="a.csv")
    import_text(f"{head}5,Ann,,{EMAIL},Ulm,2026-03-01,\n6,Bob,{PHONE},,,,\n", name="b.csv")
    import_text(f"{head}9,Zed,415-555-0009,z@example.com,Oslo,2026-01-01,\n", name="z.csv")
    (ann, lead, first) = connection.execute(
        "SELECT persona_id, lead_id, import_id FROM leads WHERE source_record_id = '1'"
    ).fetchall()[0]
    said = [
        "INSERT INTO opt_outs (team_id, kind, value, channel, source_file, import_id)"
        " VALUES ('acme', 'phone', %(phone)s, 'sms', 'generic/a.csv', %(import)s)",
        "INSERT INTO lead_activities (team_id, activity_id, lead_id, activity_type, description,"
        " import_id) VALUES ('acme', 'act_1', %(lead)s, 'call', 'rang ' || %(phone)s, %(import)s)",
        "INSERT INTO import_issues (import_id, team_id, line_no, severity, code, message, raw,"
        " encoding) VALUES (%(import)s, 'acme', 77, 'reject', 'no_identity', 'x',"
        " convert_to('Ann;(415) 555-2671', 'UTF8'), 'utf-8'),"
        " (%(import)s, 'acme', 78, 'reject', 'no_identity', 'x', convert_to('Zed;1', 'UTF8'),"
        " 'utf-8')",
        "INSERT INTO undone_leads (team_id, lead_id, source, source_file, source_record_id,"
        " persona_id, import_id) VALUES ('acme', 'lead_gone', 'generic', 'generic/x.csv', '44',"
        " %(ann)s, %(import)s)",
        "INSERT INTO lead_versions (team_id, lead_id, import_id, phones) VALUES"
        " ('acme', 'lead_gone', %(import)s, ARRAY[%(phone)s, '+14155558888'])",
        "INSERT INTO lead_moves (team_id, import_id, lead_id, from_persona_id, to_persona_id)"
        " VALUES ('acme', %(import)s, %(lead)s, 'persona_other', %(ann)s)",
        "INSERT INTO identity_versions (team_id, import_id, kind, value, persona_id)"
        " VALUES ('acme', %(import)s, 'phone', %(phone)s, %(ann)s),"
        " ('acme', %(import)s, 'phone', '+14155559999', %(ann)s)",
        "INSERT INTO row_versions (team_id, import_id, table_name, row_key, before) VALUES"
        " ('acme', %(import)s, 'opt_outs', 'x', jsonb_build_object('value', %(phone)s::text)),"
        " ('acme', %(import)s, 'opt_outs', 'y', '{\"value\": \"+14155550009\"}')",
        "UPDATE imports SET kept = jsonb_build_array(jsonb_build_object('id', %(ann)s::text,"
        " 'value', %(phone)s::text), jsonb_build_object('id', 'zed', 'value', 'z@example.com'))"
        " WHERE import_id = %(import)s",
    ]
    values = {"ann": ann, "lead": lead, "import": first, "phone": PHONE}
    for statement in said:
        connection.execute(statement.encode(), values)
    for table in load_tables().values():
        _put_row(connection, table, {PERSONAS: ann, LEADS: lead})
    return str(ann)


def _put_row(connection: psycopg.Connection, table: KeyedTable, about: dict[str, str]) -> None:
    """A row of a keyed table that refers to the person, or else quotes the phone."""
    row = {"team_id": "acme", table.id_column: f"{table.row}_ann"}
    for name, column in table.columns.items():
        if column.kind == "reference":
            row[name] = about.get(column.to) or f"{load_tables()[column.to].row}_ann"
        elif name in table.where:
            row[name] = table.where[name]
        elif column.is_required or name in table.key:
            row[name] = "1" if column.kind == "number" else next(iter(column.ranks), PHONE)
    connection.execute(
        sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table.name),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(map(sql.Literal, row.values())),
        )
    )
    connection.execute(
        "INSERT INTO row_statements (team_id, table_name, row_id, import_id, line_no, cells)"
        " VALUES ('acme', %s, 'x', 'import_x', 1, jsonb_build_object('phone', %s::text))",
        [table.name, PHONE],
    )
    connection.execute(
        "INSERT INTO adopted_rows VALUES"
        " ('acme', %s, jsonb_build_object('phone', %s::text), '{}', '{}', NULL)",
        [table.name, PHONE],
    )


def test_every_row_that_mentions_the_person_is_in_the_document(
    connection: psycopg.Connection, document: Export, full: str
) -> None:
    """Of every table of a team's data, whichever there are; and nobody else's row."""
    found = document()["tables"]
    tables = connection.execute(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND column_name = 'team_id' AND table_name IN (SELECT relname FROM pg_class"
        " WHERE relkind = 'r') ORDER BY 1"
    ).fetchall()
    needles = (full, PHONE, EMAIL, "Ann;(415) 555-2671")
    others = connection.execute(
        "SELECT persona_id FROM personas WHERE first_name IN ('Bob', 'Zed')"
    ).fetchall()
    for (table,) in tables:
        name = sql.Identifier(table)
        rows = connection.execute(
            sql.SQL("SELECT to_jsonb(t) FROM {} AS t").format(name)
        ).fetchall()
        for (row,) in rows:
            if table == "import_issues":
                row["raw"] = bytes.fromhex(row["raw"][2:]).decode() if row["raw"] else ""
            text = json.dumps(row)
            # Another person's own rows are theirs, though they hold the same value.
            is_theirs = any(row.get("persona_id") == other for (other,) in others)
            is_about = any(needle in text for needle in needles) and not is_theirs
            told = _find(row, found.get(table, []), is_ledger=table in ONLY_LEDGER)
            assert told or not is_about, (table, row)
            assert "Zed" not in text or not told, (table, row)
    assert all(found[table] for table in TABLES), {t: len(rows) for t, rows in found.items()}


def _find(row: dict[str, Any], rows: list[dict[str, Any]], *, is_ledger: bool) -> bool:
    if is_ledger:
        return any(each["import_id"] == row["import_id"] for each in rows)
    keys = [key for key in row if key not in ("raw", "evidence")]
    return any(all(each[key] == row[key] for key in keys) for each in rows)


def test_what_is_about_others_stays_out(document: Export, full: str) -> None:
    """Their names in a pair that may be one, and what an undo kept of theirs."""
    told = document()
    (pair,) = told["tables"]["merge_candidates"]
    assert "Bob" not in json.dumps(pair)
    assert "z@example.com" not in json.dumps(told)
    assert full in json.dumps(told["tables"]["imports"])


def test_landed_files_that_mention_the_person_are_named(
    connection: psycopg.Connection, document: Export, full: str, settings: Settings
) -> None:
    """Also one that nobody imported; not the files of other teams, whatever they hold."""
    (hashes,) = connection.execute(
        "SELECT array_agg(file_hash ORDER BY file_hash) FROM imports WHERE file_name <> 'z.csv'"
    ).fetchall()[0]
    assert document()["landed_files"] == [f"{each}.csv" for each in hashes]
    (settings.landing / f"{'0' * 64}.csv").write_bytes("phone\n415 555 2671\n".encode("utf-16"))
    teams.add_team(connection, "other")
    connection.execute(
        "INSERT INTO imports (import_id, team_id, source, source_file, file_name, file_hash,"
        " started_by) VALUES ('import_o', 'other', 'generic', 'x', 'x', %s, 'x')",
        ["1" * 64],
    )
    (settings.landing / f"{'1' * 64}.csv").write_text(f"{EMAIL}\n")
    assert document()["landed_files"] == [f"{'0' * 64}.csv", *(f"{each}.csv" for each in hashes)]


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """And no other file is written over."""
    path = tmp_path / "ann.json"
    write_document(path, {"label": "Chloé"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text(encoding="utf-8")) == {"label": "Chloé"}
    with pytest.raises(WrongCallError, match="already"):
        write_document(path, {})
    with pytest.raises(WrongCallError, match="Cannot write"):
        write_document(tmp_path / "no" / "x.json", {})


def test_the_document_has_the_keys_that_are_promised(document: Export, full: str) -> None:
    """Who reads it by a script relies on them."""
    for key in document():
        assert f"``{key}``" in (export.__doc__ or ""), key
