"""What was wrong with an import: rejected rows and damaged cells, as the ledger keeps them."""

from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

from contracts.issues import Severity
from flows.copying import copy_in
from flows.ledger import Import
from transforms.plan import Plan
from transforms.plan_changes import Reason


@dataclass(frozen=True)
class Issue:
    """A rejected row or a damaged cell; the names are those of ``import_issues``.

    Attributes:
        is_resolved: Whether a correction that is not undone has loaded the row.
    """

    line_no: int
    severity: Severity
    code: str
    field: str | None
    message: str
    raw: bytes | None
    encoding: str | None
    is_resolved: bool = False

    @property
    def text(self) -> str:
        """The row or cell as it came; bytes that are no text are shown as ``\\x..``."""
        return (self.raw or b"").decode(self.encoding or "utf-8", "backslashreplace")


def write_issues(connection: psycopg.Connection, team_id: str, import_id: str, plan: Plan) -> None:
    """Write down what was wrong, unless an earlier import of the same file says it already, and
    which rejects of the import that this one corrects are loaded now.

    Args:
        connection: In the transaction of the import.
        team_id: Whose data.
        import_id: The import.
        plan: Its plan.
    """
    connection.execute(
        "CREATE TEMP TABLE delta_import_issues ON COMMIT DROP AS SELECT line_no, severity, code,"
        " field, message, raw, encoding, corrects_line FROM import_issues WITH NO DATA"
    )
    copy_in(connection, "delta_import_issues", plan.issues())
    if not _refer_to_same_issues(connection, import_id, plan.counts.rejected):
        connection.execute(
            "INSERT INTO import_issues (import_id, team_id, line_no, severity, code, field,"
            " message, raw, encoding, corrects_line)"
            " SELECT %s, %s, line_no, severity, code, field, message, raw, encoding, corrects_line"
            " FROM delta_import_issues ORDER BY line_no, code, field",
            [import_id, team_id],
        )
    if lines := plan.corrected_lines():
        _resolve_issues(connection, import_id, lines)


def _refer_to_same_issues(connection: psycopg.Connection, import_id: str, rejected: int) -> bool:
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


def _resolve_issues(connection: psycopg.Connection, import_id: str, lines: list[int]) -> None:
    """Mark the rejects of the import that this one corrects as loaded by it.

    A row that was corrected before, and was wrong again, is a reject of that correction, and of
    the import that that one corrects: all of them are resolved.

    Args:
        connection: In the transaction that loads the rows.
        import_id: The correction.
        lines: Of the corrected import.
    """
    connection.execute(
        "WITH RECURSIVE mended AS ("
        " SELECT coalesce(old.issues_import_id, old.import_id) AS import_id,"
        " old.corrects_import_id, line_no FROM imports AS own"
        " JOIN imports AS old ON old.import_id = own.corrects_import_id"
        " CROSS JOIN unnest(%(lines)s::bigint[]) AS line_no WHERE own.import_id = %(id)s"
        " UNION SELECT coalesce(old.issues_import_id, old.import_id), old.corrects_import_id,"
        " issue.corrects_line FROM mended JOIN import_issues AS issue"
        " ON issue.import_id = mended.import_id AND issue.line_no = mended.line_no"
        " AND issue.severity = 'reject' AND issue.corrects_line IS NOT NULL"
        " JOIN imports AS old ON old.import_id = mended.corrects_import_id)"
        " UPDATE import_issues AS issue SET resolved_by_import_id = %(id)s FROM mended"
        " WHERE issue.import_id = mended.import_id AND issue.line_no = mended.line_no"
        " AND issue.severity = 'reject' AND NOT EXISTS (SELECT FROM imports AS mend"
        " WHERE mend.import_id = issue.resolved_by_import_id"
        " AND mend.undone_by_import_id IS NULL)",
        {"lines": lines, "id": import_id},
    )


def list_issues(
    connection: psycopg.Connection, entry: Import, severity: Severity | None = None
) -> list[Issue]:
    """The rejects and damaged cells of an import, by line."""
    with connection.cursor(row_factory=class_row(Issue)) as cursor:
        found = cursor.execute(
            "SELECT line_no, severity, code, field, message, raw, encoding, EXISTS ("
            " SELECT FROM imports AS mend WHERE mend.import_id = resolved_by_import_id"
            " AND mend.undone_by_import_id IS NULL) AS is_resolved FROM import_issues"
            " WHERE import_id = %(id)s AND (%(severity)s::text IS NULL OR severity = %(severity)s)"
            " ORDER BY line_no, field NULLS FIRST, code",
            {"id": entry.issues_import_id or entry.import_id, "severity": severity},
        )
        return found.fetchall()


def list_reasons(connection: psycopg.Connection, entry: Import, limit: int = 10) -> list[Reason]:
    """Why rows of an import were rejected, the most frequent reason first."""
    found = connection.execute(
        "SELECT DISTINCT ON (count(*) OVER own, code) code, count(*) OVER own, line_no, raw,"
        " encoding FROM import_issues WHERE import_id = %s AND severity = 'reject'"
        " WINDOW own AS (PARTITION BY code)"
        " ORDER BY count(*) OVER own DESC, code, line_no LIMIT %s",
        [entry.issues_import_id or entry.import_id, limit],
    )
    return [Reason(*row) for row in found]
