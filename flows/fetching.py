"""Rows of Postgres -> tables of the work database, as their schemas say."""

from collections.abc import Mapping
from typing import LiteralString

import psycopg
from psycopg import sql

from flows.copying import copy_out
from transforms.normalize import compare_emails
from transforms.relations import Work, append
from transforms.shapes import Schema

_TIME: LiteralString = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
# Columns that are not stored as they travel: how Postgres spells them, of a table called t.
_SPELLING: dict[str, LiteralString] = {
    "version": "t.xmin::text::bigint",
    "fingerprint": "replace(t.fingerprint::text, '-', '')",
    "phones": "array_to_json(t.phones)",
    "emails": "array_to_json(t.emails)",
    "tags": "array_to_json(t.tags)",
    "claims": "array_to_json(t.claims)",
    "left_lead_ids": "array_to_json(t.left_lead_ids)",
    "right_lead_ids": "array_to_json(t.right_lead_ids)",
    "clock": _TIME.format("t.clock"),
    "last_activity_at": _TIME.format("t.last_activity_at"),
    "judged_at": _TIME.format("t.judged_at"),
    "stated_at": _TIME.format("t.stated_at"),
    "occurred_at": _TIME.format("t.occurred_at"),
    "extra": "t.fields->'extra'",
    "has_versions": "EXISTS (SELECT FROM lead_versions AS v"
    " WHERE v.team_id = t.team_id AND v.lead_id = t.lead_id)",
    "holders": "CASE WHEN t.is_exclusive THEN 1 ELSE (SELECT count(*) FROM ("
    "SELECT FROM identities AS i WHERE i.team_id = t.team_id AND i.kind = t.kind"
    " AND i.value = t.value LIMIT 50) AS held) END",
    "people": "(t.evidence->>'people')::bigint",
    "examples": "t.evidence->'examples'",
    "source_record_id": "t.source_record_id",
}
_MADE_ON_THE_WAY = ("email_keys", "is_in_batch")


def fetch(
    connection: psycopg.Connection,
    work: Work,
    table: str,
    schema: Schema,
    tail: LiteralString | sql.Composed,
    spelling: Mapping[str, LiteralString] | None = None,
) -> None:
    """Add rows to a table of the work database.

    Args:
        connection: Where to ask.
        work: Has the table.
        table: Its name.
        schema: Its columns; the keys by which emails are compared are made on the way.
        tail: What follows the columns in a SELECT of a table called ``t``: FROM and so on.
        spelling: Column -> how Postgres spells it, where that is not its name.
    """
    said = {**_SPELLING, **(spelling or {})}
    travelling = {name: dtype for name, dtype in schema.items() if name not in _MADE_ON_THE_WAY}
    columns = [
        sql.SQL(said[name]) if name in said else sql.Identifier("t", name) for name in travelling
    ]
    select = sql.SQL("SELECT {} ").format(sql.SQL(", ").join(columns))
    rest = sql.SQL(tail) if isinstance(tail, str) else tail
    for frame in copy_out(connection, select + rest, travelling):
        if "email_keys" in schema:
            frame = frame.with_columns(email_keys=compare_emails(frame["emails"]))
        if "is_in_batch" in schema:
            frame = frame.with_columns(is_in_batch=False)
        append(work, table, frame)
