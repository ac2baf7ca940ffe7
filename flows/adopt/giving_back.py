"""One batch of an adoption given back: rows that went, references, values that were taken over.

What was done last is taken back first: rows that went are put in again, the row that stayed gives
back what it had taken over, and then reference by reference. What cannot be given back, since
somebody has written there since, stays as it is, and its entry stays in the journal.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
from psycopg import sql

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
    "removed": ("key", "another row has its place by now"),
    "dropped": ("key", "another row has its place by now"),
    "moved": ("now", "it refers to another row by now, or is gone; that stays"),
    "changed": ("key", "somebody has changed since what it had taken over, or it is gone"),
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
    try:
        with connection.transaction():
            count = give(connection, side, of_batch)
        refused: dict[str, str] = {}
    except psycopg.IntegrityError:
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
            except psycopg.IntegrityError as error:
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
    which = sql.SQL("{} AND {}").format(which, _is_there_again(side, side.reference_columns))
    count = connection.execute(
        sql.SQL(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} AS s WHERE {}"
        ).format(side.about, named(columns), listed("s", columns), side.identifier, which)
    ).rowcount
    connection.execute(sql.SQL("DELETE FROM {} AS s WHERE {}").format(side.identifier, which))
    return count


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
    if not columns:
        return 0
    parts = {
        "side": side.identifier,
        "about": side.about,
        "which": which,
        "is_same": equal("a", key, "s", key),
        "is_row": equal("t", key, "s", key),
        "given": sql.SQL(", ").join(
            sql.SQL(
                "{name} = CASE WHEN {was}::text IS DISTINCT FROM {after}::text"
                " AND {now}::text IS NOT DISTINCT FROM {after}::text THEN {was} ELSE {now} END"
            ).format(name=sql.Identifier(name), **_values(name))
            for name in columns
        ),
        "is_edited": sql.SQL(" OR ").join(
            sql.SQL(
                "({was}::text IS DISTINCT FROM {after}::text"
                " AND {now}::text IS DISTINCT FROM {after}::text)"
            ).format(**_values(name))
            for name in columns
        ),
    }
    # Told of as it was before it gives anything back.
    connection.execute("DROP TABLE IF EXISTS pg_temp.edited")
    connection.execute(
        sql.SQL(
            "CREATE TEMP TABLE edited ON COMMIT DROP AS SELECT s.ctid AS entry FROM {side} AS s"
            " JOIN {side} AS a ON a._leadfold_batch_no = s._leadfold_batch_no"
            " AND a._leadfold_is_after AND {is_same} JOIN {about} AS t ON {is_row}"
            " WHERE {which} AND NOT s._leadfold_is_after AND ({is_edited})"
        ).format(**parts)
    )
    changed = connection.execute(
        sql.SQL(
            "UPDATE {about} AS t SET {given} FROM {side} AS s JOIN {side} AS a"
            " ON a._leadfold_batch_no = s._leadfold_batch_no AND a._leadfold_is_after AND {is_same}"
            " WHERE {which} AND NOT s._leadfold_is_after AND {is_row}"
        ).format(**parts)
    ).rowcount
    connection.execute(
        sql.SQL(
            "DELETE FROM {side} AS a USING {side} AS s, {about} AS t"
            " WHERE {which} AND NOT s._leadfold_is_after AND {is_row} AND {is_same}"
            " AND a._leadfold_batch_no = s._leadfold_batch_no"
            " AND NOT EXISTS (SELECT FROM pg_temp.edited AS e WHERE e.entry = s.ctid)"
        ).format(**parts)
    )
    return changed


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
