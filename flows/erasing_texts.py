"""Takes one person out of what tells of others: messages, histories, the ledger itself."""

import json
from collections.abc import Iterator

import polars as pl
import psycopg
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from contracts.issues import ISSUES
from flows.erasing_person import Person
from flows.erasing_rows import Effects

NOT_SAID = "(erased)"
"""What stands where a text was that spoke of somebody who was erased."""

_CHUNK_ROWS = 20_000


def redact_texts(
    connection: psycopg.Connection, person: Person, lines: dict[str, set[int]]
) -> Effects:
    """Silence what quotes the person: issues, histories and activities of others, the ledger.

    Args:
        connection: In the transaction that erases.
        person: Who is erased.
        lines: Hash of a file -> lines at which records of the person start.
    """
    changed = {
        "import_issues": _silence_issues(connection, person, lines),
        "lead_activities": _silence_activities(connection, person),
        "persona_versions": _redact_versions(connection, person),
        "imports": _redact_imports(connection, person),
    }
    return {table: {"update": rows} for table, rows in changed.items() if rows}


def list_mentions(connection: psycopg.Connection, person: Person) -> list[str]:
    """Leads of others whose own text speaks of the person: those are theirs, and stay."""
    found: list[str] = []
    for rows in _stream(
        connection,
        "SELECT lead_id, concat_ws(' ', note, fields::text, company, profile_name, st_address,"
        " array_to_string(tags, ' ')) FROM leads WHERE team_id = %s"
        " AND (note IS NOT NULL OR fields <> '{}' OR tags IS NOT NULL)",
        person,
    ):
        spoken = person.traces.find(pl.Series([row[1] for row in rows], dtype=pl.String))
        found += [row[0] for row, is_spoken in zip(rows, spoken, strict=True) if is_spoken]
    return sorted(found)


def list_named_files(connection: psycopg.Connection, person: Person) -> list[str]:
    """Logical files whose name speaks of the person, and in which others have records."""
    found = connection.execute(
        "SELECT DISTINCT source_file FROM imports WHERE team_id = %s ORDER BY source_file",
        [person.team.team_id],
    )
    return [name for (name,) in found if _names(name, person)]


def _silence_issues(
    connection: psycopg.Connection, person: Person, lines: dict[str, set[int]]
) -> int:
    """Issues keep line and code; what they quote of the person goes."""
    at = {
        (import_id, line_no)
        for import_id, digest in connection.execute(
            "SELECT import_id, file_hash FROM imports WHERE team_id = %s AND file_hash = ANY (%s)",
            [person.team.team_id, list(lines)],
        )
        for line_no in lines[digest]
    }
    gone: list[tuple[str, str]] = []
    for rows in _stream(
        connection,
        "SELECT ctid::text, code, import_id, line_no, message, raw, encoding"
        " FROM import_issues WHERE team_id = %s",
        person,
    ):
        texts = [
            f"{message} {bytes(raw or b'').decode(encoding or 'utf-8', 'replace')}"
            for *_, message, raw, encoding in rows
        ]
        spoken = person.traces.find(pl.Series(texts, dtype=pl.String))
        gone += [
            (row[0], row[1])
            for row, is_spoken in zip(rows, spoken, strict=True)
            if is_spoken or (row[2], row[3]) in at
        ]
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE import_issues SET raw = NULL, message = %s WHERE ctid = %s::tid",
            [
                (ISSUES[code].sentence if code in ISSUES else NOT_SAID, place)
                for place, code in gone
            ],
        )
    return len(gone)


def _silence_activities(connection: psycopg.Connection, person: Person) -> int:
    gone: list[str] = []
    for rows in _stream(
        connection,
        "SELECT activity_id, description FROM lead_activities WHERE team_id = %s",
        person,
    ):
        spoken = person.traces.find(pl.Series([row[1] for row in rows], dtype=pl.String))
        gone += [row[0] for row, is_spoken in zip(rows, spoken, strict=True) if is_spoken]
    connection.execute(
        "UPDATE lead_activities SET description = %s WHERE team_id = %s AND activity_id = ANY (%s)",
        [NOT_SAID, person.team.team_id, gone],
    )
    return len(gone)


def _redact_versions(connection: psycopg.Connection, person: Person) -> int:
    """Histories of others lose the fields that the person's records filled, and their values."""
    team_id = person.team.team_id
    found = connection.execute(
        "SELECT ctid::text, changes FROM persona_versions AS t WHERE team_id = %s AND ("
        " EXISTS (SELECT FROM gone_words AS w WHERE position(w.word IN lower(changes::text)) > 0)"
        " OR EXISTS (SELECT FROM jsonb_each(changes) AS f JOIN gone_records AS r"
        "  ON r.source_file = f.value->>'source_file'"
        "  AND r.source_record_id = f.value->>'source_record_id'"
        "  WHERE jsonb_typeof(f.value) = 'object')"
        " OR persona_id = ANY (%s))",
        [team_id, sorted(list_linked(connection, person))],
    ).fetchall()
    redacted = [
        (Jsonb(kept), place)
        for place, changes in found
        if (kept := _redact(changes, person)) != changes
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE persona_versions SET changes = %s WHERE ctid = %s::tid", redacted
        )
    return len(redacted)


def list_linked(connection: psycopg.Connection, person: Person) -> set[str]:
    """Others who had one of the person's leads, or lost one to the person."""
    return {
        persona_id
        for (persona_id,) in connection.execute(
            "SELECT from_persona_id FROM lead_moves"
            " WHERE team_id = %(team)s AND lead_id IN (TABLE gone_leads)"
            " UNION SELECT to_persona_id FROM lead_moves"
            " WHERE team_id = %(team)s AND lead_id IN (TABLE gone_leads)"
            " UNION SELECT persona_id FROM persona_versions WHERE team_id = %(team)s"
            " AND changes->'leads' ?| ARRAY(SELECT lead_id FROM gone_leads)",
            {"team": person.team.team_id},
        )
    } - person.persona_ids


def _redact(changes: dict[str, object], person: Person) -> dict[str, object]:
    kept: dict[str, object] = {}
    for name, change in changes.items():
        if isinstance(change, list):
            kept[name] = [one for one in change if one not in person.lead_ids]
        elif not isinstance(change, dict) or not _is_about(change, person):
            kept[name] = change
    return kept


def _is_about(change: dict[str, object], person: Person) -> bool:
    record = (change.get("source_file"), change.get("source_record_id"))
    said = [str(change.get(side) or "") for side in ("before", "after")]
    parts = {word for name in person.names for word in name}
    return (
        record in person.records
        or person.traces.is_in(json.dumps(change, ensure_ascii=False))
        or any(one and one.casefold() in parts for one in said)
        or any(tuple(one.casefold().split()) in person.names for one in said)
    )


def _redact_imports(connection: psycopg.Connection, person: Person) -> int:
    """Reasons, names of files, headers, and what undos could not take back."""
    changed = 0
    for import_id, file_name, source_file, reason, kept, layout in connection.execute(
        "SELECT import_id, file_name, source_file, reason, kept, layout FROM imports"
        " WHERE team_id = %s",
        [person.team.team_id],
    ).fetchall():
        rest = [entry for entry in kept if not _is_kept_about(entry, person)]
        new_name = NOT_SAID if _names(file_name, person) else file_name
        new_reason = NOT_SAID if reason and _names(reason, person) else reason
        new_file = source_file
        if _names(source_file, person) and not _has_leads(connection, person, source_file):
            new_file = f"{source_file.partition('/')[0]}/{NOT_SAID}"
        # Where a file has no header, its first row may have been taken for one.
        names = "\n".join((*layout["columns"], *layout["header"])) if layout else ""
        new_layout = None if _names(names, person) else layout
        now = (rest, new_name, new_reason, new_file, new_layout)
        if now != (kept, file_name, reason, source_file, layout):
            changed += 1
            connection.execute(
                "UPDATE imports SET kept = %s, file_name = %s, reason = %s, source_file = %s,"
                " layout = %s WHERE import_id = %s",
                [
                    *(Jsonb(rest), new_name, new_reason, new_file),
                    *(Jsonb(new_layout) if new_layout else None, import_id),
                ],
            )
    return changed


def _is_kept_about(entry: object, person: Person) -> bool:
    text = json.dumps(entry, ensure_ascii=False)
    name = entry.get("name") if isinstance(entry, dict) else None
    return person.traces.is_in(text) or bool(name and name == person.full_name)


def _names(text: str, person: Person) -> bool:
    """Whether the name of a file is that of the person, or has their phone or email."""
    words = text.casefold().replace("_", " ").replace("-", " ").replace("/", " ").replace(".", " ")
    return person.traces.is_in(text) or any(
        f" {' '.join(name)} " in f" {words} " for name in person.names
    )


def _has_leads(connection: psycopg.Connection, person: Person, source_file: str) -> bool:
    """Whether others have records in a logical file: its name is part of their key."""
    found = connection.execute(
        "SELECT FROM leads WHERE team_id = %s AND source_file = %s"
        " AND lead_id NOT IN (TABLE gone_leads) LIMIT 1",
        [person.team.team_id, source_file],
    )
    return found.fetchone() is not None


def _stream(connection: psycopg.Connection, query: str, person: Person) -> Iterator[list[TupleRow]]:
    with connection.cursor(name="erasing") as cursor:
        cursor.execute(query, [person.team.team_id])
        while rows := cursor.fetchmany(_CHUNK_ROWS):
            yield rows
