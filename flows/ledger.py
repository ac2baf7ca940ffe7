"""Teams and the ledger: who may import, what was imported, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Literal

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from contracts.errors import WrongCallError
from contracts.issues import Severity
from transforms.plan import Counts, Plan

Status = Literal["running", "done", "held", "failed"]


@dataclass(frozen=True)
class Issue:
    """A rejected row or a damaged cell; the names are those of ``import_issues``."""

    line_no: int
    severity: Severity
    code: str
    field: str | None
    message: str
    raw: bytes | None
    encoding: str | None

    @property
    def text(self) -> str:
        """The row or cell as it came; bytes that are no text are shown as ``\\x..``."""
        return (self.raw or b"").decode(self.encoding or "utf-8", "backslashreplace")


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

    @property
    def counts(self) -> Counts:
        """What became of the rows."""
        return Counts(*(getattr(self, f"rows_{name}") for name in Counts._fields))


_IMPORT = f"SELECT {', '.join(each.name for each in fields(Import))} FROM imports"  # noqa: S608


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
) -> None:
    """Open the ledger row of an import; it is seen at once, as running."""
    connection.execute(
        "INSERT INTO imports (import_id, team_id, source, source_file, file_name, started_by,"
        " cause, undoes_import_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (import_id) DO NOTHING",
        [
            *(import_id, team_id, source, source_file, file_name, started_by, cause),
            undoes_import_id,
        ],
    )


def note_file(
    connection: psycopg.Connection,
    import_id: str,
    *,
    file_name: str,
    source: str,
    source_file: str,
    sha256: str,
    size_bytes: int,
    rules: str,
) -> None:
    """Write down what an import has landed, under the name that it has inside an archive.

    The cause is ``rules`` where the file was imported before, and its logical file was last read by
    other rules: what then changes, they change.
    """
    connection.execute(
        "UPDATE imports AS own SET file_name = %(name)s, source = %(source)s,"
        " source_file = %(file)s, file_hash = %(hash)s, file_bytes = %(bytes)s, rules = %(rules)s,"
        " cause = CASE WHEN own.cause = 'file' AND EXISTS ("
        " SELECT FROM imports AS past WHERE past.team_id = own.team_id"
        " AND past.source_file = %(file)s AND past.file_hash = %(hash)s AND past.status = 'done'"
        " AND past.undone_by_import_id IS NULL)"
        " AND (SELECT past.rules FROM imports AS past WHERE past.team_id = own.team_id"
        " AND past.source_file = %(file)s AND past.status = 'done'"
        " AND past.undone_by_import_id IS NULL ORDER BY past.commit_no DESC LIMIT 1)"
        " IS DISTINCT FROM %(rules)s"
        " THEN 'rules' ELSE own.cause END"
        " WHERE import_id = %(id)s",
        {
            "name": file_name,
            "source": source,
            "file": source_file,
            "hash": sha256,
            "bytes": size_bytes,
            "rules": rules,
            "id": import_id,
        },
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
        " commit_no = 1 + coalesce((SELECT max(past.commit_no) FROM imports AS past"
        " WHERE past.team_id = own.team_id), 0)"
        " WHERE import_id = %(import_id)s",
        {
            **counts,
            "repeated": plan.repeated() or None,
            "match": Jsonb(plan.match),
            "effects": Jsonb(plan.effects),
            "conflicts": Jsonb(dict(conflicts)),
            "missing": plan.records_missing,
            "remark": plan.remark or None,
            "import_id": import_id,
        },
    )


def stop_import(
    connection: psycopg.Connection, import_id: str, status: Status, reason: str
) -> None:
    """Close the ledger row of an import that wrote nothing: held or failed, and why."""
    connection.execute(
        "UPDATE imports SET status = %s, reason = %s, finished_at = clock_timestamp()"
        " WHERE import_id = %s AND status = 'running'",
        [status, reason, import_id],
    )


def refer_to_same_issues(connection: psycopg.Connection, import_id: str, rejected: int) -> bool:
    """Point an import to the issues of an earlier one of the same file, if they say the same.

    Reads the temp table ``delta_import_issues``. A file that comes again has its rejects again;
    writing them down again would tell nobody anything.

    Returns:
        Whether there is such an import; if not, the issues are to be written.
    """
    done = connection.execute(
        "WITH earlier AS ("
        " SELECT coalesce(past.issues_import_id, past.import_id) AS import_id"
        " FROM imports AS own JOIN imports AS past"
        " USING (team_id, source, source_file, file_hash)"
        " WHERE own.import_id = %(import_id)s AND past.import_id <> own.import_id"
        " AND past.status = 'done' AND past.rows_rejected = %(rejected)s"
        " ORDER BY past.import_id DESC LIMIT 1)"
        " UPDATE imports SET issues_import_id = earlier.import_id FROM earlier"
        " WHERE imports.import_id = %(import_id)s AND NOT EXISTS ("
        " SELECT FROM delta_import_issues AS own WHERE NOT EXISTS ("
        " SELECT FROM import_issues AS known WHERE known.import_id = earlier.import_id"
        " AND known.line_no = own.line_no AND known.code = own.code"
        " AND known.field IS NOT DISTINCT FROM own.field"
        " AND known.raw IS NOT DISTINCT FROM own.raw))",
        {"import_id": import_id, "rejected": rejected},
    )
    return done.rowcount == 1


def list_imports(
    connection: psycopg.Connection, team_id: str | None = None, limit: int = 20
) -> list[Import]:
    """The newest imports, newest first."""
    with connection.cursor(row_factory=class_row(Import)) as cursor:
        query = (
            f"{_IMPORT} WHERE %(team)s::text IS NULL OR team_id = %(team)s"
            " ORDER BY import_id DESC LIMIT %(limit)s"
        )
        return cursor.execute(query, {"team": team_id, "limit": limit}).fetchall()


def find_import(connection: psycopg.Connection, import_id: str) -> Import:
    """The import of that id, or the only one whose id ends so.

    Raises:
        WrongCallError: There is none, or several end so.
    """
    with connection.cursor(row_factory=class_row(Import)) as cursor:
        query = f"{_IMPORT} WHERE right(import_id, length(%s)) = %s ORDER BY import_id LIMIT 2"
        found = cursor.execute(query, [import_id, import_id]).fetchall()
    if len(found) != 1:
        what = "Several imports end in" if found else "There is no import"
        raise WrongCallError(f"{what} '{import_id}'. To see the newest: leadfold imports")
    return found[0]


def count_held(connection: psycopg.Connection, entry: Import) -> dict[str, int]:
    """Guard -> how many pairs of people and shared values an import has noted to be looked at."""
    found = connection.execute(
        "SELECT guard, count(*) FROM merge_candidates WHERE team_id = %s AND import_id = %s"
        " AND judgement IS NULL GROUP BY guard ORDER BY guard",
        [entry.team_id, entry.import_id],
    )
    return dict(found.fetchall())


def list_issues(
    connection: psycopg.Connection, entry: Import, severity: Severity | None = None
) -> list[Issue]:
    """The rejects and damaged cells of an import, by line."""
    with connection.cursor(row_factory=class_row(Issue)) as cursor:
        found = cursor.execute(
            "SELECT line_no, severity, code, field, message, raw, encoding FROM import_issues"
            " WHERE import_id = %(id)s AND (%(severity)s::text IS NULL OR severity = %(severity)s)"
            " ORDER BY line_no, field NULLS FIRST, code",
            {"id": entry.issues_import_id or entry.import_id, "severity": severity},
        )
        return found.fetchall()
