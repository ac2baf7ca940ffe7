"""Rows of the ledger as imports leave them, for what only reads it."""

from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from flows.jobs import make_import_id

_NUMBERED = "(SELECT coalesce(max(commit_no), 0) + 1 FROM imports WHERE team_id = %s)"


def add_import(connection: psycopg.Connection, days_ago: float = 0, **columns: Any) -> str:
    """Write a row of the ledger, done unless ``status`` says otherwise, and give its id.

    It started ten seconds before it ended, ``days_ago``; ``rows_landed`` is the sum of the others.
    """
    rows = {name: value for name, value in columns.items() if name.startswith("rows_")}
    written = {
        "import_id": make_import_id(),
        "team_id": "acme",
        "source": "generic",
        "source_file": "generic/list.csv",
        "file_name": "list.csv",
        "started_by": "tests",
        "status": "done",
        "rows_landed": sum(rows.values()),
        **{k: Jsonb(v) if isinstance(v, dict | list) else v for k, v in columns.items()},
    }
    connection.execute(
        sql.SQL(
            "INSERT INTO imports ({}, started_at, finished_at, commit_no)"
            " SELECT {}, ended - interval '10 s', CASE WHEN %s THEN NULL ELSE ended END, "
            + f"CASE WHEN %s THEN {_NUMBERED} END"
            " FROM (SELECT now() - %s * interval '1 day' AS ended) AS times"
        ).format(
            sql.SQL(", ").join(map(sql.Identifier, written)),
            sql.SQL(", ").join(sql.Placeholder() * len(written)),
        ),
        [
            *written.values(),
            written["status"] == "running",
            written["status"] == "done",
            written["team_id"],
            days_ago,
        ],
    )
    return str(written["import_id"])
