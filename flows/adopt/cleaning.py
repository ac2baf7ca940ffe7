"""Groups of duplicates, cleaned in small transactions: each whole or not at all, none held long."""

import time
from collections.abc import Iterator

import psycopg
from psycopg import errors, sql

from contracts.errors import LeadfoldError
from flows.adopt.adoption import AdoptedKey, Adoption
from flows.adopt.journal import Cleaned, begin_batch, open_side_table
from flows.adopt.locks import LockLog
from flows.adopt.moving import ReferenceMover
from flows.adopt.statements import equal, listed, named, numbered, renamed
from flows.adopt.taking import ValueTaker

# What a writer may come to wait for. The log says what came of it.
_AIMED_SECONDS = 0.15
_LOCK_TIMEOUT = "300ms"
_MOST_GROUPS = 2_000
# A row that somebody keeps locked is tried again at the end, so many times over.
_PATIENCE_SECONDS = 120.0

# Others hold something, or have just put in what a row that moves would be equal to.
_PASSING = (
    errors.LockNotAvailable,
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.UniqueViolation,
)


class Cleaner:
    """Cleans the duplicates of one key.

    Args:
        connection: To the adopted database, without a transaction.
        adoption: Of the table.
        key: The key.
        key_no: Its number in the journal.
        log: Where locks are noted.
    """

    def __init__(
        self,
        connection: psycopg.Connection,
        adoption: Adoption,
        key: AdoptedKey,
        key_no: int,
        log: LockLog,
    ) -> None:
        self._connection = connection
        self._adoption = adoption
        self._table = adoption.table
        self._key = key
        self._key_no = key_no
        self._log = log
        self._pk = adoption.table.primary_key
        self._removed = open_side_table(connection, "removed", adoption.table)
        self._taker = ValueTaker(connection, adoption)
        self._movers = [
            ReferenceMover(connection, adoption.table, each) for each in adoption.references
        ]
        # What is taken back is taken back in the opposite order, whatever run it was of.
        self._movers.sort(key=lambda mover: mover.place)
        self._held_up_by = ""

    def clean(self) -> Cleaned:
        """Clean all groups that there are now.

        Raises:
            LeadfoldError: A group cannot be cleaned; the message says which and why. What was
                cleaned before stays.
        """
        total = Cleaned()
        last = self._find_groups()
        waiting = list(self._clean_in_batches(last, total))
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while waiting:
            if time.monotonic() > deadline:
                raise LeadfoldError(
                    f"{len(waiting):,} groups of {self._key.name} are still held up by others after"
                    f" {_PATIENCE_SECONDS:.0f} s ({self._held_up_by}). End what holds them"
                    " (pg_stat_activity), and run the same command again: it goes on from there."
                )
            time.sleep(0.5)
            waiting = [group for group in waiting if not self._try(group, group, total)]
        return total

    def _clean_in_batches(self, last: int, total: Cleaned) -> Iterator[int]:
        """Clean groups 1 to ``last``; gives those that others keep locked."""
        first, size = 1, 10
        while first <= last:
            until = min(first + size - 1, last)
            begun = time.monotonic()
            if self._try(first, until, total):
                seconds = time.monotonic() - begun
                if seconds > 2 * _AIMED_SECONDS:
                    size = max(1, size // 2)
                elif seconds < _AIMED_SECONDS / 2:
                    size = min(_MOST_GROUPS, 2 * size)
            elif first < until:
                size = max(1, size // 4)
                continue
            else:
                yield first
            first = until + 1

    def _find_groups(self) -> int:
        """Make ``pg_temp.groups``, numbered from 1; gives the last number."""
        self._connection.execute("DROP TABLE IF EXISTS pg_temp.groups, pg_temp.ranked")
        self._connection.execute(
            sql.SQL(
                "CREATE TEMP TABLE groups AS SELECT row_number() OVER () AS group_no, {}"
                " FROM ({}) AS t"
            ).format(listed("t", self._key.columns), self._key.groups)
        )
        self._connection.execute("CREATE UNIQUE INDEX ON pg_temp.groups (group_no)")
        self._connection.execute("ANALYZE pg_temp.groups")
        self._connection.execute(
            sql.SQL(
                "CREATE TEMP TABLE ranked AS"
                " SELECT 0::bigint AS group_no, 0::bigint AS place, {}, {} FROM {} AS t"
                " WITH NO DATA"
            ).format(
                renamed("t", self._pk, numbered("key", self._pk)),
                renamed("t", self._pk, numbered("kept", self._pk)),
                self._table.identifier,
            )
        )
        (last,) = self._connection.execute("SELECT count(*) FROM pg_temp.groups").fetchone() or (0,)
        return int(last)

    def _try(self, first: int, last: int, total: Cleaned) -> bool:
        """Clean some groups in one transaction; whether that was done, or others held it up."""
        try:
            done = self._clean(first, last)
        except _PASSING as error:
            self._held_up_by = error.diag.message_primary or type(error).__name__
            return False
        except psycopg.IntegrityError as error:
            if first < last:
                return False
            raise LeadfoldError(
                f"A group of {self._key.name} cannot be cleaned ({self._tell_group(first)}):"
                f" {error.diag.message_primary}. Nothing of it was changed.\n"
                "Mend its rows, and run the same command again: it goes on from there."
            ) from error
        for name, count in vars(done).items():
            setattr(total, name, getattr(total, name) + count)
        return True

    def _tell_group(self, group: int) -> str:
        row = self._connection.execute(
            sql.SQL("SELECT string_agg(concat_ws(', ', {}), ' and ') {}").format(
                listed("t", self._pk), self._in_groups(group, group)
            )
        ).fetchone()
        return f"{', '.join(self._pk)} {row[0] if row else ''}"

    def _clean(self, first: int, last: int) -> Cleaned:
        run = self._connection.execute
        begun = time.monotonic()
        with (
            self._log.holding("batch", self._table.full_name),
            self._connection.transaction(),
        ):
            run("SELECT set_config('lock_timeout', %s, true)", [_LOCK_TIMEOUT])
            # What is wrong is to be found here, where the batch can be tried by its parts.
            run("SET CONSTRAINTS ALL IMMEDIATE")
            # Few rows of large tables, all of which are found by an index.
            run("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")
            run("SET LOCAL enable_seqscan = off")
            run(self._lock_statement(first, last))
            run("DELETE FROM pg_temp.ranked")
            run(self._rank_statement(first, last))
            run("ANALYZE pg_temp.ranked")
            groups, gone = run(
                "SELECT count(DISTINCT group_no), count(*) FILTER (WHERE place > 1)"
                " FROM pg_temp.ranked"
            ).fetchone() or (0, 0)
            done = Cleaned(groups=groups, removed=gone)
            if gone:
                batch_no = begin_batch(self._connection, self._key_no)
                run(self._keep_statement(batch_no))
                for mover in self._movers:
                    moved, dropped = mover.move(batch_no)
                    done.moved += moved
                    done.dropped += dropped
                done.changed = self._taker.take(batch_no)
                self._delete(gone)
                run(
                    "UPDATE leadfold_adopt.batches SET groups = %s, removed = %s, moved = %s,"
                    " dropped = %s, changed = %s, seconds = %s, done_at = clock_timestamp()"
                    " WHERE batch_no = %s",
                    [*vars(done).values(), time.monotonic() - begun, batch_no],
                )
        return done

    def _delete(self, gone: int) -> None:
        statement = sql.SQL(
            "DELETE FROM {} AS t USING pg_temp.ranked AS r WHERE r.place > 1 AND {}"
        )
        deleted = self._connection.execute(
            statement.format(self._table.identifier, self._is_row("t"))
        ).rowcount
        if deleted != gone:
            raise LeadfoldError(
                f"{gone:,} rows of {self._table.full_name} were to go, and {deleted:,} went: a"
                " trigger or rule of the table keeps them. Nothing of it was changed."
            )

    def _in_groups(self, first: int, last: int) -> sql.Composed:
        return sql.SQL(
            "FROM pg_temp.groups AS g JOIN {} AS t ON {} AND {} WHERE g.group_no BETWEEN {} AND {}"
        ).format(
            self._table.identifier,
            equal("t", self._key.columns, "g", self._key.columns),
            self._key.covers("t"),
            first,
            last,
        )

    def _lock_statement(self, first: int, last: int) -> sql.Composed:
        return sql.SQL("SELECT {keys} {rows} ORDER BY {keys} FOR UPDATE OF t").format(
            keys=listed("t", self._pk), rows=self._in_groups(first, last)
        )

    def _rank_statement(self, first: int, last: int) -> sql.Composed:
        """A row alone in its group by now is none."""
        return sql.SQL(
            "INSERT INTO pg_temp.ranked SELECT group_no, place, {keys}, {kept} FROM ("
            " SELECT g.group_no, row_number() OVER by_rank AS place, {key_columns}, {kept_columns},"
            " count(*) OVER (PARTITION BY g.group_no) AS many {rows}"
            " WINDOW by_rank AS (PARTITION BY g.group_no ORDER BY {order})"
            ") AS placed WHERE many > 1"
        ).format(
            keys=named(numbered("key", self._pk)),
            kept=named(numbered("kept", self._pk)),
            key_columns=renamed("t", self._pk, numbered("key", self._pk)),
            kept_columns=sql.SQL(", ").join(
                sql.SQL("first_value({}) OVER by_rank AS {}").format(
                    sql.Identifier("t", name), sql.Identifier(number)
                )
                for name, number in zip(self._pk, numbered("kept", self._pk), strict=True)
            ),
            rows=self._in_groups(first, last),
            order=self._adoption.ranking.order,
        )

    def _is_row(self, row: str, ranked: str = "r") -> sql.Composed:
        return equal(row, self._pk, ranked, numbered("key", self._pk))

    def _keep_statement(self, batch_no: int) -> sql.Composed:
        kept = sql.SQL(", ").join(
            sql.SQL("{}, {}").format(sql.Literal(name), sql.Identifier("r", number))
            for name, number in zip(self._pk, numbered("kept", self._pk), strict=True)
        )
        return sql.SQL(
            "INSERT INTO {} SELECT {}, jsonb_build_object({}), {} FROM pg_temp.ranked AS r"
            " JOIN {} AS t ON {} WHERE r.place > 1"
        ).format(
            self._removed.identifier,
            batch_no,
            kept,
            listed("t", tuple(self._table.columns)),
            self._table.identifier,
            self._is_row("t"),
        )
