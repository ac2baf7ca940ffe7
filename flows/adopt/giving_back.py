"""One batch of an adoption given back: rows that went, references, values that were taken over.

What was done last is taken back first: rows that went are put in again, the row that stayed gives
back what it had taken over, and then reference by reference. What cannot be given back, since
somebody has written there since, stays as it is, and its entry stays in the journal.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg import errors, sql

from flows.adopt.journal import SideTable
from flows.adopt.schema import JOURNAL
from flows.adopt.statements import equal, listed, named, numbered


@dataclass(frozen=True)
class Left:
    """What could not be given back.

    Attributes:
        table: Of which the row is.
        row: Its primary key.
        why: What stands in the way.
    """

    table: str
    row: str
    why: str


PASSING = (errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure)
"""Others hold what is to be given back: the batch is tried again."""

GiveBack = Callable[[psycopg.Connection, SideTable, sql.Composable], int]
"""Gives back the entries of a side table (``s``) that a condition names, and takes them out of it;
gives how many."""


def in_order(sides: list[SideTable]) -> list[SideTable]:
    """Side tables in the order in which a batch is given back."""
    first = [side for kind in ("removed", "changed") for side in sides if side.kind == kind]
    others = [side for side in sides if side.kind in ("moved", "dropped")]
    return [*first, *sorted(others, key=lambda side: -side.side_no)]


def give_back(
    connection: psycopg.Connection, sides: list[SideTable], batch_no: int
) -> tuple[dict[str, int], list[Left]]:
    """Give one batch back, within a transaction.

    Returns:
        How many entries of each kind were given back, and what was not.
    """
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    counts = {"removed": 0, "moved": 0, "dropped": 0, "changed": 0}
    left: list[Left] = []
    for side in in_order(sides):
        count, missed = _give_back_side(connection, side, batch_no)
        counts[side.kind] += count
        left += missed
    connection.execute(
        "UPDATE leadfold_adopt.batches SET restored_at = now() WHERE batch_no = %s", [batch_no]
    )
    return counts, left


_WAYS: dict[str, tuple[str, str]] = {
    "removed": ("key", "a trigger or rule of the table keeps it out"),
    "dropped": ("key", "what it referred to is not there, or a trigger or rule keeps it out"),
    "moved": ("now", "it refers to another row by now, or is gone; that stays"),
    "changed": ("key", "somebody has changed what it had taken over, or it is gone"),
}


def _give_back_side(
    connection: psycopg.Connection, side: SideTable, batch_no: int
) -> tuple[int, list[Left]]:
    give: GiveBack = {
        "removed": _put_in,
        "dropped": _put_in,
        "moved": _move_back,
        "changed": _change_back,
    }[side.kind]
    of_batch = sql.SQL("s._leadfold_batch_no = {}").format(batch_no)
    prefix, why = _WAYS[side.kind]
    key = side.key_columns if prefix == "key" else numbered(prefix, side.key_columns)
    entries = list(_list_entries(connection, side, of_batch, key))
    if not entries:
        return 0, []
    refused: dict[str, str] = {}
    try:
        with connection.transaction():
            count = give(connection, side, of_batch)
    except PASSING:
        raise
    except psycopg.Error:
        count, refused = _one_by_one(connection, side, of_batch, give)
    left = [
        Left(f"{side.table_schema}.{side.table_name}", told, refused.get(entry, why))
        for entry, told in _list_entries(connection, side, of_batch, key)
    ]
    return count, left


def _one_by_one(
    connection: psycopg.Connection, side: SideTable, of_batch: sql.Composed, give: GiveBack
) -> tuple[int, dict[str, str]]:
    """Each entry by itself, again as long as any goes: they may refer to each other.

    Returns:
        How many went, and for the others entry -> what Postgres says.
    """
    total = 0
    while True:
        refused: dict[str, str] = {}
        gone = 0
        for entry, _ in _list_entries(connection, side, of_batch, side.key_columns[:0]):
            one = sql.SQL("{} AND s.ctid = {}::tid").format(of_batch, entry)
            try:
                with connection.transaction():
                    gone += give(connection, side, one)
            except PASSING:
                raise
            except psycopg.Error as error:
                if connection.closed:
                    raise
                refused[entry] = error.diag.message_primary or str(error)
        total += gone
        if not gone or not refused:
            return total, refused


def _list_entries(
    connection: psycopg.Connection,
    side: SideTable,
    of_batch: sql.Composed,
    key: tuple[str, ...],
) -> Iterator[tuple[str, str]]:
    """What the journal still has: the entry, and the primary key of its row."""
    told = listed("s", key) if key else sql.SQL("''")
    first = sql.SQL(" AND NOT s._leadfold_is_after" if side.kind == "changed" else "")
    yield from connection.execute(
        sql.SQL(
            "SELECT s.ctid::text, concat_ws(', ', {}) FROM {} AS s WHERE {}{} ORDER BY 2"
        ).format(told, side.identifier, of_batch, first)
    ).fetchall()


def _put_in(connection: psycopg.Connection, side: SideTable, which: sql.Composable) -> int:
    """Put rows in that had gone."""
    columns = side.column_names
    key = side.key_columns
    return connection.execute(
        sql.SQL(
            "WITH put AS ("
            " INSERT INTO {about} ({columns}) OVERRIDING SYSTEM VALUE"
            " SELECT {values} FROM {side} AS s WHERE {which} AND {is_there} RETURNING {key}"
            ") DELETE FROM {side} AS s USING put AS p WHERE {which} AND {is_same}"
        ).format(
            about=side.about,
            columns=named(columns),
            values=listed("s", columns),
            side=side.identifier,
            which=which,
            is_there=_is_there_again(side, side.reference_columns),
            key=named(key),
            is_same=equal("s", key, "p", key),
        )
    ).rowcount


def _is_there_again(side: SideTable, referred: tuple[str, ...]) -> sql.Composable:
    """Whether what an entry referred to is given back, and not another row of the same id."""
    if not side.parent_side:
        return sql.SQL("true")
    return sql.SQL("NOT EXISTS (SELECT FROM {} AS g WHERE {})").format(
        sql.Identifier(JOURNAL, side.parent_side),
        equal("g", side.parent_columns, "s", referred),
    )


def _move_back(connection: psycopg.Connection, side: SideTable, which: sql.Composable) -> int:
    """Let rows refer to what they referred to, where they still refer as they were made to."""
    key, refers = side.key_columns, side.reference_columns
    values = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(column), sql.Identifier("s", was))
        for column, was in zip(refers, numbered("was", refers), strict=True)
    )
    return connection.execute(
        sql.SQL(
            "WITH back AS ("
            " UPDATE {about} AS c SET {values} FROM {side} AS s"
            " WHERE {which} AND {is_row} AND {is_as_made} RETURNING s.ctid AS entry"
            ") DELETE FROM {side} AS s USING back AS b WHERE s.ctid = b.entry"
        ).format(
            about=side.about,
            values=values,
            side=side.identifier,
            which=sql.SQL("{} AND {}").format(
                which, _is_there_again(side, numbered("was", refers))
            ),
            is_row=equal("c", key, "s", numbered("now", key)),
            is_as_made=equal("c", refers, "s", numbered("is", refers)),
        )
    ).rowcount


def _change_back(connection: psycopg.Connection, side: SideTable, which: sql.Composable) -> int:
    """Give back what rows have taken over, each value where it still stands; the entries go of rows
    that gave back all of it."""
    key = side.key_columns
    columns = _list_changeable(connection, side)
    pairs = sql.SQL(
        "{side} AS s JOIN {side} AS a ON a._leadfold_batch_no = s._leadfold_batch_no"
        " AND a._leadfold_is_after AND NOT s._leadfold_is_after AND {is_same}"
    ).format(side=side.identifier, is_same=equal("a", key, "s", key))
    seen = connection.execute(
        sql.SQL("SELECT s.ctid::text, {}, {} FROM {} JOIN {} AS t ON {} WHERE {}").format(
            _any(columns, "{was} IS DISTINCT FROM {after} AND {now} IS NOT DISTINCT FROM {after}"),
            _any(
                columns,
                "{was} IS DISTINCT FROM {after} AND {now} IS DISTINCT FROM {after}"
                " AND {now} IS DISTINCT FROM {was}",
            ),
            pairs,
            side.about,
            equal("t", key, "s", key),
            which,
        )
    ).fetchall()
    giving = [entry for entry, gives, _ in seen if gives]
    given = {
        entry
        for (entry,) in connection.execute(
            sql.SQL(
                "UPDATE {} AS t SET {} FROM {} WHERE {} AND s.ctid = ANY({}::tid[])"
                " RETURNING s.ctid::text"
            ).format(
                side.about,
                sql.SQL(", ").join(map(_given, columns)),
                pairs,
                equal("t", key, "s", key),
                giving,
            )
        ).fetchall()
    }
    done = [e for e, gives, is_edited in seen if not is_edited and (e in given or not gives)]
    connection.execute(
        sql.SQL(
            "DELETE FROM {side} AS b USING {side} AS s WHERE s.ctid = ANY({done}::tid[])"
            " AND b._leadfold_batch_no = s._leadfold_batch_no AND {is_same}"
        ).format(side=side.identifier, done=done, is_same=equal("b", key, "s", key))
    )
    return len(given)


def _any(columns: list[str], test: LiteralString) -> sql.Composable:
    """Whether a test holds of any column; compared as texts, as json cannot be compared."""
    tests: list[sql.Composable] = [
        sql.SQL(test).format(
            **{each: sql.SQL("{}::text").format(value) for each, value in _values(name).items()}
        )
        for name in columns
    ]
    return sql.SQL("({})").format(sql.SQL(" OR ").join(tests or [sql.SQL("false")]))


def _given(name: str) -> sql.Composed:
    return sql.SQL(
        "{name} = CASE WHEN {was}::text IS DISTINCT FROM {after}::text"
        " AND {now}::text IS NOT DISTINCT FROM {after}::text THEN {was} ELSE {now} END"
    ).format(name=sql.Identifier(name), **_values(name))


def _values(name: str) -> dict[str, sql.Identifier]:
    """A column before, after, and now."""
    return {
        "was": sql.Identifier("s", name),
        "after": sql.Identifier("a", name),
        "now": sql.Identifier("t", name),
    }


def _list_changeable(connection: psycopg.Connection, side: SideTable) -> list[str]:
    """The columns that an UPDATE may set."""
    fixed = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attidentity = 'a'",
        [side.about.as_string(connection)],
    ).fetchall()
    taken = {*side.key_columns, *(name for (name,) in fixed)}
    return [name for name in side.column_names if name not in taken]
