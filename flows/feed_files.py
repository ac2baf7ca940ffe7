"""What feeds have delivered: the table ``feed_files``, so that each file is taken exactly once."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Literal, LiteralString, NamedTuple

import psycopg
from psycopg.rows import class_row

from contracts.errors import TeamBusyError
from flows import ledger
from flows.file_systems import Found
from flows.jobs import Outcome, member_import_id
from flows.ledger import Import

Status = Literal["open", "done", "held", "declined", "failed", "repeated", "refused"]


@dataclass(frozen=True)
class Known:
    """A file that a feed has delivered; the names are those of the table."""

    path: str
    size_bytes: int
    modified_at: datetime
    file_hash: str
    import_id: str
    status: Status
    reason: str | None
    taken_at: datetime

    def is_like(self, found: Found) -> bool:
        """Whether a file of this path looks as it did; then it is not fetched."""
        return (self.size_bytes, self.modified_at) == (found.size_bytes, found.modified_at)

    @property
    def name(self) -> str:
        """What people call it."""
        return self.path.rpartition("/")[2]


_KNOWN = (
    f"SELECT {', '.join(each.name for each in fields(Known))} FROM feed_files"  # noqa: S608
    " WHERE team_id = %(team)s AND feed_id = %(feed)s"
)


class FeedFiles(NamedTuple):
    """The files of one feed, over one connection."""

    connection: psycopg.Connection
    team_id: str
    feed_id: str

    def lock(self, wait_seconds: int) -> None:
        """Hold the feed for as long as the connection lasts: one sync of it at a time.

        Raises:
            TeamBusyError: Another sync of it holds it for too long.
        """
        wait_ms = min(max(wait_seconds * 1000, 1), 2**31 - 1)
        self.connection.execute("SELECT set_config('lock_timeout', %s, false)", [f"{wait_ms}ms"])
        try:
            self.connection.execute(
                "SELECT pg_advisory_lock(hashtextextended('leadfold feed:' || %s || ' ' || %s, 0))",
                [self.team_id, self.feed_id],
            )
        except psycopg.errors.LockNotAvailable as error:
            raise TeamBusyError(
                f"Another sync of feed '{self.feed_id}' did not end within {wait_seconds} s."
            ) from error

    def list_known(self) -> dict[str, Known]:
        """What it has delivered, by path; held files as people have decided since."""
        return {each.path: self._decided(each) for each in self._select(" ORDER BY path")}

    def find_same(self, path: str, file_hash: str) -> Known | None:
        """The file of another path that has brought the same content, if one has."""
        found = self._select(
            " AND file_hash = %(hash)s AND path <> %(path)s"
            " AND status NOT IN ('open', 'repeated') ORDER BY taken_at LIMIT 1",
            hash=file_hash,
            path=path,
        )
        return found[0] if found else None

    def note(
        self,
        found: Found,
        file_hash: str,
        import_id: str,
        status: Status = "open",
        reason: str | None = None,
    ) -> str:
        """Write down that a file is taken, before its import begins; or why it is not.

        Returns:
            The id of its import: the one given, or that of an earlier try with the same content.
        """
        row = self.connection.execute(
            "INSERT INTO feed_files AS own (team_id, feed_id, path, size_bytes, modified_at,"
            " file_hash, import_id, status, reason)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (team_id, feed_id, path) DO UPDATE SET size_bytes = excluded.size_bytes,"
            " modified_at = excluded.modified_at, file_hash = excluded.file_hash,"
            " import_id = CASE WHEN own.file_hash = excluded.file_hash THEN own.import_id"
            " ELSE excluded.import_id END,"
            " status = excluded.status, reason = excluded.reason, taken_at = clock_timestamp()"
            " RETURNING import_id",
            [
                *(self.team_id, self.feed_id, found.path, found.size_bytes, found.modified_at),
                *(file_hash, import_id, status, reason),
            ],
        ).fetchone()
        return str(row[0]) if row else import_id

    def touch(self, found: Found) -> None:
        """Write down that a file looks otherwise, and holds what it held."""
        self.connection.execute(
            "UPDATE feed_files SET size_bytes = %s, modified_at = %s"
            " WHERE team_id = %s AND feed_id = %s AND path = %s",
            [found.size_bytes, found.modified_at, self.team_id, self.feed_id, found.path],
        )

    def close(self, path: str, status: Status, reason: str | None = None) -> None:
        """Write down what became of a file."""
        self.connection.execute(
            "UPDATE feed_files SET status = %s, reason = %s"
            " WHERE team_id = %s AND feed_id = %s AND path = %s",
            [status, reason, self.team_id, self.feed_id, path],
        )

    def _decided(self, known: Known) -> Known:
        if known.status != "held":
            return known
        outcomes = [
            Outcome.of_entry(each) for each in list_members(self.connection, known.import_id)
        ]
        # One that failed as it went on is decided about again.
        if not {outcome.status for outcome in outcomes} <= {"done", "declined"}:
            return known
        status = status_of(outcomes)
        self.close(known.path, status, known.reason if status == "declined" else None)
        return replace(known, status=status)

    def _select(self, tail: LiteralString, **values: str) -> list[Known]:
        with self.connection.cursor(row_factory=class_row(Known)) as cursor:
            given = {"team": self.team_id, "feed": self.feed_id, **values}
            return cursor.execute(_KNOWN + tail, given).fetchall()


def list_members(connection: psycopg.Connection, import_id: str) -> list[Import]:
    """The imports of one file: one, or one for each member of an archive."""
    found: list[Import] = []
    while entry := ledger.get_import(connection, member_import_id(import_id, len(found))):
        found.append(entry)
    return found


def status_of(outcomes: Sequence[Outcome]) -> Status:
    """What became of a file whose members ended so."""
    stati = {outcome.status for outcome in outcomes}
    if "failed" in stati:
        failed = [outcome for outcome in outcomes if outcome.status == "failed"]
        return "open" if any(outcome.is_passing for outcome in failed) else "failed"
    if "held" in stati:
        return "held"
    return "declined" if stati == {"declined"} else "done"
