"""Teams and the ledger: who may import, what was imported, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from contracts.errors import WrongCallError
from transforms.plan import Counts, Plan

Status = Literal["running", "done", "held", "failed", "declined"]

Origin = Literal["command", "analyst", "nightly", "drop"]
"""How an import was started: by a command, a form in the Prefect UI, a schedule, a drop folder."""

Choice = Literal["apply", "reject", "source"]
"""What a person decides about a held import: go on, never, go on by another contract."""


@dataclass(frozen=True)
class Import:
    """One row of the ledger; the names are those of the table."""

    import_id: str
    team_id: str
    source: str
    source_file: str
    file_name: str
    file_hash: str | None
    file_bytes: int | None
    cause: str
    status: Status
    reason: str | None
    started_by: str
    started_at: datetime
    finished_at: datetime | None
    rows_landed: int
    rows_rejected: int
    rows_duplicate: int
    rows_inserted: int
    rows_updated: int
    rows_unchanged: int
    rows_deleted: int
    match: dict[str, int]
    effects: dict[str, dict[str, int]]
    conflicts: dict[str, int]
    records_missing: int
    issues_import_id: str | None
    commit_no: int | None = None
    undoes_import_id: str | None = None
    undone_by_import_id: str | None = None
    is_undoable: bool = True
    kept: list[dict[str, str]] = field(default_factory=list)
    policy_before: dict[str, str] | None = None
    origin: Origin = "command"
    feed_id: str | None = None
    run_id: str | None = None
    file_form: str | None = None
    holds: list[dict[str, str]] = field(default_factory=list)
    corrects_import_id: str | None = None
    layout: dict[str, Any] | None = None
    stops: list[dict[str, str]] = field(default_factory=list)
    assigned: dict[str, int] = field(default_factory=dict)
    records_digest: str | None = None

    @property
    def counts(self) -> Counts:
        """What became of the rows."""
        return Counts(*(getattr(self, f"rows_{name}") for name in Counts._fields))

    @property
    def accepted(self) -> frozenset[str]:
        """Codes for which it was held, and that somebody accepted of the file as it is read."""
        codes = set[str]()
        for hold in self.holds:
            if hold.get("decision") == "source":
                # Another reading: what was accepted of the first says nothing about it.
                codes.clear()
            elif hold.get("decision") == "apply":
                codes.add(hold["code"])
        return frozenset(codes)


IMPORT = f"SELECT {', '.join(each.name for each in fields(Import))} FROM imports"  # noqa: S608


def start_import(
    connection: psycopg.Connection,
    import_id: str,
    *,
    team_id: str,
    source: str,
    source_file: str,
    file_name: str,
    started_by: str,
    cause: str = "file",
    undoes_import_id: str | None = None,
    origin: Origin = "command",
    run_id: str = "",
    feed_id: str | None = None,
) -> None:
    """Open the ledger row of an import; it is seen at once, as running.

    One that was stopped before it wrote anything runs again; one that is done, held or declined
    stays so.
    """
    connection.execute(
        "INSERT INTO imports (import_id, team_id, source, source_file, file_name,"
        " started_by, cause, undoes_import_id, origin, run_id, feed_id)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (import_id) DO NOTHING",
        [
            *(import_id, team_id, source, source_file, file_name, started_by, cause),
            *(undoes_import_id, origin, run_id or None, feed_id),
        ],
    )
    reopen_import(connection, import_id, run_id)


def reopen_import(connection: psycopg.Connection, import_id: str, run_id: str = "") -> None:
    """Let an import run again that was stopped before it wrote anything; why it was is kept."""
    connection.execute(
        "UPDATE imports SET stops = CASE WHEN status = 'failed' THEN stops ||"
        " jsonb_build_object('reason', reason, 'at', finished_at) ELSE stops END,"
        " status = 'running', reason = NULL, finished_at = NULL,"
        " run_id = coalesce(%s, run_id) WHERE import_id = %s AND status IN ('running', 'failed')",
        [run_id or None, import_id],
    )


def finish_import(
    connection: psycopg.Connection, import_id: str, plan: Plan, conflicts: Mapping[str, int]
) -> None:
    """Close the ledger row of an import that is done, in the transaction that applied it.

    The caller holds the team's lock, so that commits are numbered one by one.
    """
    counts = plan.counts._asdict()
    connection.execute(
        "UPDATE imports AS own SET status = 'done', reason = %(remark)s,"
        " finished_at = clock_timestamp(),"
        " rows_landed = %(landed)s, rows_rejected = %(rejected)s, rows_duplicate = %(duplicate)s,"
        " rows_inserted = %(inserted)s, rows_updated = %(updated)s,"
        " rows_unchanged = %(unchanged)s, rows_deleted = %(deleted)s,"
        " match = %(match)s, effects = %(effects)s, conflicts = %(conflicts)s,"
        " records_missing = %(missing)s, repeated = %(repeated)b,"
        " repeated_rows = %(repeated_rows)b, assigned = %(assigned)s,"
        " records_digest = %(records_digest)s,"
        " commit_no = 1 + coalesce((SELECT max(past.commit_no) FROM imports AS past"
        " WHERE past.team_id = own.team_id), 0)"
        " WHERE import_id = %(import_id)s",
        {
            **counts,
            "repeated": plan.repeated() or None,
            "repeated_rows": plan.repeated("repeated_rows") or None,
            "match": Jsonb(plan.match),
            "effects": Jsonb(plan.effects),
            "conflicts": Jsonb(dict(conflicts)),
            "missing": plan.records_missing,
            "assigned": Jsonb(plan.assigned),
            "remark": plan.remark or None,
            "records_digest": plan.records_digest or None,
            "import_id": import_id,
        },
    )


def stop_import(
    connection: psycopg.Connection,
    import_id: str,
    status: Status,
    reason: str,
    code: str = "",
) -> None:
    """Close the ledger row of an import that wrote nothing: held or failed, and why.

    Args:
        connection: To the ledger.
        import_id: Which one; only if it is running.
        status: What became of it.
        reason: Why, for people.
        code: Of one that is held: the code of the ``HeldError``.
    """
    hold = [{"code": code, "reason": reason}] if status == "held" else []
    connection.execute(
        "UPDATE imports SET status = %(status)s, reason = %(reason)s,"
        " finished_at = clock_timestamp(), holds = holds || coalesce(("
        " SELECT jsonb_agg(each || jsonb_build_object('held_at', clock_timestamp()))"
        " FROM jsonb_array_elements(%(hold)s) AS each), '[]')"
        " WHERE import_id = %(id)s AND status = 'running'",
        {"status": status, "reason": reason, "hold": Jsonb(hold), "id": import_id},
    )


def list_imports(
    connection: psycopg.Connection, team_id: str | None = None, limit: int = 20
) -> list[Import]:
    """The newest imports, newest first."""
    with connection.cursor(row_factory=class_row(Import)) as cursor:
        query = (
            f"{IMPORT} WHERE %(team)s::text IS NULL OR team_id = %(team)s"
            " ORDER BY import_id DESC LIMIT %(limit)s"
        )
        return cursor.execute(query, {"team": team_id, "limit": limit}).fetchall()


def find_import(connection: psycopg.Connection, import_id: str) -> Import:
    """The import of that id, or the only one whose id ends so.

    Raises:
        WrongCallError: There is none, or several end so.
    """
    with connection.cursor(row_factory=class_row(Import)) as cursor:
        query = f"{IMPORT} WHERE right(import_id, length(%s)) = %s ORDER BY import_id LIMIT 2"
        found = cursor.execute(query, [import_id, import_id]).fetchall()
    if len(found) != 1:
        what = "Several imports end in" if found else "There is no import"
        raise WrongCallError(f"{what} '{import_id}'. To see the newest: leadfold imports")
    return found[0]


def get_import(connection: psycopg.Connection, import_id: str) -> Import | None:
    """The import of that id, if there is one."""
    with connection.cursor(row_factory=class_row(Import)) as cursor:
        return cursor.execute(f"{IMPORT} WHERE import_id = %s", [import_id]).fetchone()


def list_held(connection: psycopg.Connection) -> list[Import]:
    """Imports that wait for a person's decision, the oldest first."""
    with connection.cursor(row_factory=class_row(Import)) as cursor:
        query = f"{IMPORT} WHERE status = 'held' AND holds <> '[]' ORDER BY import_id"
        return cursor.execute(query).fetchall()


def list_of_run(connection: psycopg.Connection, run_id: str) -> list[Import]:
    """Imports that ran last in a Prefect flow run, in their order."""
    with connection.cursor(row_factory=class_row(Import)) as cursor:
        query = f"{IMPORT} WHERE run_id = %s ORDER BY started_at, import_id"
        return cursor.execute(query, [run_id]).fetchall()
