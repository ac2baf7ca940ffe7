"""One batch of an adoption given back: rows that went, references, values that were taken over."""

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from psycopg import sql

from flows.adopt.journal import SideTable
from flows.adopt.statements import equal, listed, named, numbered

# Rows are there again before anything refers to them.
_ORDER = ("removed", "moved", "dropped", "changed")


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


def give_back(
    connection: psycopg.Connection, sides: list[SideTable], batch_no: int
) -> tuple[dict[str, int], list[Left]]:
    """Give one batch back; what is in the journal of it afterwards was not."""
    counts = dict.fromkeys(_ORDER, 0)
    left: list[Left] = []
    for side in sorted(sides, key=lambda side: _ORDER.index(side.kind)):
        if side.kind in ("removed", "dropped"):
            count, missed = _put_in(connection, side, batch_no)
        elif side.kind == "moved":
            count, missed = _move_back(connection, side, batch_no)
        else:
            count, missed = _change_back(connection, side, batch_no)
        counts[side.kind] += count
        left += missed
    connection.execute(
        "UPDATE leadfold_adopt.batches SET restored_at = now() WHERE batch_no = %s", [batch_no]
    )
    return counts, left


def _put_in(
    connection: psycopg.Connection, side: SideTable, batch_no: int
) -> tuple[int, list[Left]]:
    """Put rows in that had gone; one by one where not all of them may be."""
    columns = side.column_names
    insert = sql.SQL(
        "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} AS s"
        " WHERE s._leadfold_batch_no = %s"
    ).format(side.about, named(columns), listed("s", columns), side.identifier)
    forget = sql.SQL("DELETE FROM {} AS s WHERE s._leadfold_batch_no = %s").format(side.identifier)
    try:
        with connection.transaction():
            count = connection.execute(insert, [batch_no]).rowcount
            connection.execute(forget, [batch_no])
        return count, []
    except psycopg.IntegrityError:
        pass
    left: list[Left] = []
    count = 0
    keys = connection.execute(
        sql.SQL(
            "SELECT ctid::text, concat_ws(', ', {}) FROM {} AS s WHERE _leadfold_batch_no = %s"
        ).format(listed("s", side.key_columns), side.identifier),
        [batch_no],
    ).fetchall()
    one = sql.SQL(" AND s.ctid = %s::tid")
    for row, told in keys:
        try:
            with connection.transaction():
                connection.execute(insert + one, [batch_no, row])
                connection.execute(forget + one, [batch_no, row])
            count += 1
        except psycopg.IntegrityError as error:
            why = f"{error.diag.message_primary}; it stays in leadfold_adopt.{side.name}"
            left.append(Left(f"{side.table_schema}.{side.table_name}", told, why))
    return count, left


def _move_back(
    connection: psycopg.Connection, side: SideTable, batch_no: int
) -> tuple[int, list[Left]]:
    """Let rows refer to what they referred to, where they still refer as they were made to."""
    key, refers = side.key_columns, side.reference_columns
    values = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(column), sql.Identifier("s", was))
        for column, was in zip(refers, numbered("was", refers), strict=True)
    )
    is_row = equal("c", key, "s", numbered("now", key))
    is_as_made = equal("c", refers, "s", numbered("is", refers))
    found = connection.execute(
        sql.SQL(
            "WITH back AS ("
            " UPDATE {about} AS c SET {values} FROM {side} AS s"
            " WHERE s._leadfold_batch_no = %s AND {is_row} AND {is_as_made} RETURNING {keys}"
            ") DELETE FROM {side} AS s USING back AS b"
            " WHERE s._leadfold_batch_no = %s AND {is_same}"
        ).format(
            about=side.about,
            values=values,
            side=side.identifier,
            is_row=is_row,
            is_as_made=is_as_made,
            keys=listed("s", numbered("key", key)),
            is_same=equal("s", numbered("key", key), "b", numbered("key", key)),
        ),
        [batch_no, batch_no],
    )
    why = "it refers to another row by now, or is gone; it stays as it is"
    return found.rowcount, list(_list_left(connection, side, batch_no, numbered("key", key), why))


def _change_back(
    connection: psycopg.Connection, side: SideTable, batch_no: int
) -> tuple[int, list[Left]]:
    """Give back what rows have taken over, where that still stands there."""
    key = side.key_columns
    fixed = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attidentity = 'a'",
        [side.about.as_string(connection)],
    ).fetchall()
    taken = {*key, *(name for (name,) in fixed)}
    columns = tuple(name for name in side.column_names if name not in taken)
    if not columns:
        return 0, []
    given = sql.SQL(", ").join(
        sql.SQL(
            "{name} = CASE WHEN {before}::text IS DISTINCT FROM {after}::text"
            " AND {now}::text IS NOT DISTINCT FROM {after}::text THEN {before} ELSE {now} END"
        ).format(
            name=sql.Identifier(name),
            before=sql.Identifier("b", name),
            after=sql.Identifier("a", name),
            now=sql.Identifier("t", name),
        )
        for name in columns
    )
    was_edited = sql.SQL(" OR ").join(
        sql.SQL(
            "{before}::text IS DISTINCT FROM {after}::text"
            " AND {now}::text IS DISTINCT FROM {after}::text"
        ).format(
            before=sql.Identifier("b", name),
            after=sql.Identifier("a", name),
            now=sql.Identifier("t", name),
        )
        for name in columns
    )
    both = sql.SQL(
        "{side} AS b JOIN {side} AS a ON a._leadfold_batch_no = b._leadfold_batch_no"
        " AND a._leadfold_is_after AND NOT b._leadfold_is_after AND {is_same}"
    ).format(side=side.identifier, is_same=equal("a", key, "b", key))
    edited = connection.execute(
        sql.SQL(
            "SELECT concat_ws(', ', {}) FROM {} JOIN {} AS t ON {} WHERE b._leadfold_batch_no = %s"
            " AND ({})"
        ).format(listed("t", key), both, side.about, equal("t", key, "b", key), was_edited),
        [batch_no],
    ).fetchall()
    changed = connection.execute(
        sql.SQL("UPDATE {} AS t SET {} FROM {} WHERE b._leadfold_batch_no = %s AND {}").format(
            side.about, given, both, equal("t", key, "b", key)
        ),
        [batch_no],
    ).rowcount
    connection.execute(
        sql.SQL("DELETE FROM {} AS s USING {} AS t WHERE s._leadfold_batch_no = %s AND {}").format(
            side.identifier, side.about, equal("t", key, "s", key)
        ),
        [batch_no],
    )
    table = f"{side.table_schema}.{side.table_name}"
    why = "somebody has changed since what it had taken over; that stays"
    left = [Left(table, told, why) for (told,) in edited]
    gone = "it is gone, so nothing is given back to it"
    return changed, [*left, *_list_left(connection, side, batch_no, key, gone)]


def _list_left(
    connection: psycopg.Connection,
    side: SideTable,
    batch_no: int,
    key: tuple[str, ...],
    why: str,
) -> Iterator[Left]:
    rows = connection.execute(
        sql.SQL(
            "SELECT DISTINCT concat_ws(', ', {}) FROM {} AS s WHERE _leadfold_batch_no = %s"
        ).format(listed("s", key), side.identifier),
        [batch_no],
    ).fetchall()
    for (told,) in rows:
        yield Left(f"{side.table_schema}.{side.table_name}", told, why)
