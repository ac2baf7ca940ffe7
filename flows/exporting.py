"""All that is held about a person, as one document: what a person may ask for."""

import json
import os
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from contracts.errors import WrongCallError
from contracts.keyed import LEADS, PERSONAS, KeyedTable
from contracts.registry import load_sources, load_tables
from flows.explaining import list_merged
from flows.finding import Found
from flows.landed_files import list_mentioning
from flows.settings import Settings
from transforms.mentions import Mentions

_OF_TEAM: LiteralString = "team_id = %(team)s AND "
_OF_PERSON: LiteralString = _OF_TEAM + "persona_id = ANY (%(ids)s)"
_OF_LEADS: LiteralString = _OF_TEAM + "lead_id = ANY (%(leads)s)"
_CLAIMS_OF_PERSON: LiteralString = "(SELECT * FROM unnest(%(kinds)s::text[], %(values)s::text[]))"
_RECORDS: LiteralString = "(SELECT * FROM unnest(%(files)s::text[], %(records)s::text[]))"

_NEEDLES: LiteralString = "EXISTS (SELECT FROM unnest(%(needles)s::text[]) AS needle"


def _about_person(table: KeyedTable) -> str:
    """Which rows of a keyed table are about a person: by what they refer to, else by their text."""
    tests = []
    for name, reference in table.references():
        if reference.to in (PERSONAS, LEADS):
            tests.append(f"{name} = ANY (%({'ids' if reference.to == PERSONAS else 'leads'})s)")
        elif any((target := load_tables()[reference.to]).references()):
            about = _about_person(target)
            tests.append(f"{name} IN (SELECT {target.id_column} FROM {target.name} WHERE {about})")  # noqa: S608
    test = " OR ".join(tests) or f"{_NEEDLES} WHERE position(needle IN t::text) > 0)"
    return f"{_OF_TEAM}({test})"


TABLES: dict[str, str] = {
    "personas": _OF_PERSON,
    "persona_versions": _OF_PERSON,
    "leads": _OF_PERSON,
    "undone_leads": _OF_LEADS,
    "lead_versions": _OF_LEADS,
    "lead_moves": _OF_TEAM + "(lead_id = ANY (%(leads)s)"
    " OR from_persona_id = ANY (%(ids)s) OR to_persona_id = ANY (%(ids)s))",
    "identities": _OF_PERSON,
    "identity_versions": _OF_TEAM
    + "(persona_id = ANY (%(ids)s) OR (kind, value) IN "
    + _CLAIMS_OF_PERSON
    + ")",
    "opt_outs": _OF_TEAM
    + "((kind, value) IN "
    + _CLAIMS_OF_PERSON
    + " OR kind = 'record' AND (source_file, value) IN "
    + _RECORDS
    + ")",
    "merge_candidates": _OF_TEAM + "(left_id = ANY (%(ids)s) OR right_id = ANY (%(ids)s)"
    " OR left_lead_ids && %(leads)s::text[] OR right_lead_ids && %(leads)s::text[]"
    " OR (left_id, right_id) IN " + _CLAIMS_OF_PERSON + ")",
    "row_versions": _OF_TEAM
    + "(row_key = ANY (%(needles)s) OR EXISTS (SELECT FROM unnest(%(needles)s::text[]) AS needle"
    " WHERE position(needle IN before::text) > 0))",
    "row_statements": _OF_TEAM + _NEEDLES + " WHERE position(needle IN cells::text) > 0)",
    "adopted_rows": _OF_TEAM
    + _NEEDLES
    + " WHERE position(needle IN concat(row_key, written, before, put_in)) > 0)",
    **{name: _about_person(table) for name, table in load_tables().items()},
}
"""Which rows of each table are about a person."""


def export(connection: psycopg.Connection, found: Found, settings: Settings) -> dict[str, Any]:
    """Everything that is held about a person.

    The keys are stable: ``team_id``, ``persona_id``, ``label``, ``merged_ids``, ``exported_at``,
    ``tables`` (name -> rows, whole, under the names of their columns), ``landed_files`` (names of
    files under the landing folder in which the person is mentioned). ``tables`` holds those of
    ``TABLES``, ``import_issues`` (rejected rows and damaged cells of the person, or that mention
    one of its phones, emails or ids), and ``imports``: the ledger of every import that is named,
    with ``kept`` cut to what is about the person. Of a pair that may be one, the other person's
    name is left out.

    Args:
        connection: In a transaction as ``explaining.as_of_now`` opens it.
        found: Who.
        settings: Where landed files are.
    """
    team_id = found.team.team_id
    merged = list_merged(connection, team_id, found.persona_id)
    values = _list_values(connection, team_id, [found.persona_id, *merged])
    claims = list(zip(values["kinds"], values["values"], strict=True))
    mentions = Mentions(claims)
    tables = {
        name: _fetch(connection, f"SELECT to_jsonb(t) FROM {name} AS t WHERE {where}", values)  # noqa: S608
        for name, where in TABLES.items()
    }
    for pair in tables["merge_candidates"]:
        _leave_out_name(pair, values["ids"])
    tables["import_issues"] = _find_issues(connection, team_id, values, mentions)
    tables["imports"] = _fetch_imports(connection, tables, values)
    now: datetime = connection.execute("SELECT now()").fetchall()[0][0]
    return {
        "team_id": team_id,
        "persona_id": found.persona_id,
        "label": found.label,
        "merged_ids": merged,
        "exported_at": now.isoformat(),
        "tables": {name: _sorted(rows) for name, rows in tables.items()},
        "landed_files": list_mentioning(connection, settings.landing, team_id, mentions),
    }


def write_document(path: Path, document: dict[str, Any]) -> None:
    """Write a document to a file that only its owner can read.

    Raises:
        WrongCallError: There is a file already, or none can be written there.
    """
    try:
        # Not over another file, whose mode would stay: it may be open to others.
        with open(path, "x", encoding="utf-8", opener=partial(os.open, mode=0o600)) as file:
            json.dump(document, file, ensure_ascii=False, indent=2)
            file.write("\n")
    except FileExistsError as error:
        raise WrongCallError(f"There is a file '{path}' already. Choose another name.") from error
    except OSError as error:
        raise WrongCallError(f"Cannot write '{path}': {error.strerror}.") from error


def _list_values(
    connection: psycopg.Connection, team_id: str, ids: Sequence[str]
) -> dict[str, Any]:
    """What the queries look for: ids, leads, records, and claims held or stated, now or before."""
    values: dict[str, Any] = {"team": team_id, "ids": list(ids)}
    leads = connection.execute(
        "SELECT lead_id, source, source_file, source_record_id FROM leads"
        " WHERE team_id = %(team)s AND persona_id = ANY (%(ids)s)"
        " UNION SELECT lead_id, source, source_file, source_record_id FROM undone_leads"
        " WHERE team_id = %(team)s AND persona_id = ANY (%(ids)s)",
        values,
    ).fetchall()
    values["leads"] = [lead for lead, *_ in leads]
    values["files"] = [file for _, _, file, _ in leads]
    values["records"] = [record for *_, record in leads]
    spaces = {name: source.claim_space for name, source in load_sources().items()}
    values["lead_spaces"] = [spaces.get(source, source) for _, source, _, _ in leads]
    claims = sorted(set(connection.execute(_CLAIMS, values).fetchall()))
    values["kinds"] = [kind for kind, _ in claims]
    values["values"] = [value for _, value in claims]
    values["needles"] = sorted({*ids, *values["leads"], *(v for _, v in claims if len(v) > 4)})
    return values


_CLAIMS: LiteralString = """
WITH own AS (
    SELECT * FROM unnest(%(leads)s::text[], %(lead_spaces)s::text[]) AS own (lead_id, space)
),
said AS (
    SELECT space, crm_id, phones, emails, claims
    FROM own JOIN leads USING (lead_id) WHERE team_id = %(team)s
    UNION ALL
    SELECT space, crm_id, phones, emails, claims
    FROM own JOIN lead_versions USING (lead_id) WHERE team_id = %(team)s
)
SELECT kind, value FROM persona_claims WHERE team_id = %(team)s AND persona_id = ANY (%(ids)s)
UNION SELECT kind, value FROM identity_versions
    WHERE team_id = %(team)s AND persona_id = ANY (%(ids)s)
UNION SELECT space, crm_id FROM said WHERE crm_id IS NOT NULL
UNION SELECT 'phone', unnest(phones) FROM said
UNION SELECT 'email', coalesce(leadfold_email_key(email), email)
    FROM (SELECT unnest(emails) AS email FROM said) AS stated
UNION SELECT split_part(claim, '=', 1), substr(claim, strpos(claim, '=') + 1)
    FROM (SELECT unnest(claims) AS claim FROM said) AS stated
UNION SELECT 'phone', phone FROM personas
    WHERE team_id = %(team)s AND persona_id = ANY (%(ids)s) AND phone IS NOT NULL
UNION SELECT 'email', coalesce(leadfold_email_key(email), email) FROM personas
    WHERE team_id = %(team)s AND persona_id = ANY (%(ids)s) AND email IS NOT NULL
"""


def _fetch(
    connection: psycopg.Connection, query: str, values: dict[str, Any]
) -> list[dict[str, Any]]:
    return [row for (row,) in connection.execute(query.encode(), values).fetchall()]


def _find_issues(
    connection: psycopg.Connection, team_id: str, values: dict[str, Any], mentions: Mentions
) -> list[dict[str, Any]]:
    """Rejects and damaged cells of the person's own lines, and those that mention the person."""
    own = connection.execute(
        "SELECT import_id, line_no FROM leads WHERE "  # noqa: S608
        + _OF_LEADS
        + " UNION SELECT import_id, line_no FROM lead_versions WHERE "
        + _OF_LEADS,
        values,
    )
    lines = set(own.fetchall())
    found = []
    with connection.cursor(name="issues_of_team") as cursor:
        cursor.execute(
            "SELECT import_id, line_no, raw, encoding, to_jsonb(t) - 'raw' FROM import_issues AS t"
            " WHERE team_id = %s",
            [team_id],
        )
        for import_id, line_no, raw, encoding, row in cursor:
            text = bytes(raw or b"").decode(encoding or "utf-8", "backslashreplace")
            if (import_id, line_no) in lines or mentions.are_in(text):
                found.append({**row, "raw": text})
    return found


def _fetch_imports(
    connection: psycopg.Connection, tables: dict[str, list[dict[str, Any]]], values: dict[str, Any]
) -> list[dict[str, Any]]:
    named = {row["import_id"] for rows in tables.values() for row in rows if row.get("import_id")}
    imports = _fetch(
        connection,
        "SELECT to_jsonb(t) - '{repeated,policy_before,match,effects,conflicts}'::text[]"
        " FROM imports AS t WHERE team_id = %(team)s AND (import_id = ANY (%(named)s)"
        " OR EXISTS (SELECT FROM unnest(%(needles)s::text[]) AS needle"
        " WHERE position(needle IN kept::text) > 0))",
        {**values, "named": sorted(named)},
    )
    for entry in imports:
        entry["kept"] = [
            each
            for each in entry["kept"]
            if any(needle in json.dumps(each, ensure_ascii=False) for needle in values["needles"])
        ]
    return imports


def _leave_out_name(pair: dict[str, Any], ids: Sequence[str]) -> None:
    for side in ("left", "right"):
        if pair[f"{side}_id"] not in ids and side in pair["evidence"]:
            pair["evidence"][side] = None


def _sorted(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))
