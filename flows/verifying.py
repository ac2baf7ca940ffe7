"""What ``leadfold verify`` finds: whether each unique key is in force, and whether it is kept."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import psycopg
from psycopg import sql

from contracts.uniqueness import Key, list_keys
from flows.adopt.verifying import verify_adopted
from flows.verified import Verified

_TEAMS = ("leadfold_verify_1", "leadfold_verify_2")
_OTHERS = {"boolean": "true", "timestamp with time zone": "2000-01-01", "jsonb": "{}"}


def verify(connection: psycopg.Connection) -> Iterator[Verified]:
    """Look at each key, and try it with rows of its own in a transaction that is rolled back.

    Those of adopted tables come last.

    Rows of teams that are not there are put in, and nobody else sees them; a row that is there is
    neither read by what it holds nor locked.

    Args:
        connection: Without a transaction.
    """
    for key in list_keys():
        yield _verify(connection, key)
    yield from verify_adopted(connection)


def _verify(connection: psycopg.Connection, key: Key) -> Verified:
    found = connection.execute(
        "SELECT i.indisunique, i.indisvalid AND i.indisready FROM pg_index AS i"
        " WHERE i.indexrelid = to_regclass(%s) AND i.indrelid = to_regclass(%s)",
        [f"public.{key.index}", f"public.{key.table}"],
    ).fetchone()
    seen = Verified(
        key.table,
        key.columns,
        key.index,
        is_there=bool(found and found[0]),
        is_valid=bool(found and found[1]),
    )
    try:
        seen = replace(seen, duplicates=_count_duplicates(connection, key))
        refuses, other_teams, other_values = _try_out(connection, key)
        return replace(
            seen,
            refuses_duplicates=refuses,
            allows_other_teams=other_teams,
            allows_other_values=other_values,
        )
    except psycopg.Error as error:
        return replace(seen, fault=error.diag.message_primary or str(error))


def _count_duplicates(connection: psycopg.Connection, key: Key) -> int:
    columns = sql.SQL(", ").join(map(sql.Identifier, key.columns))
    (count,) = connection.execute(
        sql.SQL(
            "SELECT coalesce(sum(rows - 1), 0)::bigint FROM (SELECT count(*) AS rows FROM {table}"
            " WHERE {where} GROUP BY {columns} HAVING count(*) > 1) AS doubled"
        ).format(table=sql.Identifier(key.table), where=_where(key), columns=columns)
    ).fetchone() or (0,)
    return int(count)


def _where(key: Key) -> sql.Composed:
    """The rows that the key is about: none of its values is null."""
    tests = [sql.SQL("{} IS NOT NULL").format(sql.Identifier(name)) for name in key.columns]
    tests += [
        sql.SQL("{} IS NOT DISTINCT FROM {}").format(sql.Identifier(name), sql.Literal(value))
        for name, value in key.where.items()
    ]
    return sql.SQL(" AND ").join(tests)


def _try_out(connection: psycopg.Connection, key: Key) -> tuple[bool, bool, bool]:
    """Put rows in, each beside the first, and take them all out again.

    Returns:
        Whether a duplicate is refused, another team's same values and other values are taken.
    """
    with connection.transaction(force_rollback=True):
        # Nothing is noted as an edit by hand, and no other table is touched.
        connection.execute(
            "SELECT set_config('leadfold.import_id', 'verify', true),"
            " set_config('leadfold.lists_claims', 'yes', true)"
        )
        connection.execute("SET LOCAL lock_timeout = '5s'")
        put = _putter(connection, key)
        if not put(0, 0):
            raise psycopg.DataError(f"no row can be put into {key.table}")
        return not put(0, 0), put(1, 0), put(0, 1)


def _putter(connection: psycopg.Connection, key: Key) -> Callable[[int, int], bool]:
    """A function of a team and a value, each by number, that puts in a row and tells if it may."""
    needed: Mapping[str, str] = dict(
        connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = %s AND is_nullable = 'NO'"
            " AND column_default IS NULL",
            [key.table],
        ).fetchall()
    )
    count = 0

    def put(team: int, value: int) -> bool:
        nonlocal count
        count += 1
        row: dict[str, str | None] = {
            # What only this row has, such as its id.
            name: _OTHERS.get(kind, str(count) if kind in ("numeric", "bigint") else f"row {count}")
            for name, kind in needed.items()
        }
        for name in key.columns:
            made_of, text = key.made_of.get(name, (name, "{}"))
            row[made_of] = text.format(f"leadfold verify {value}")
        row |= {**key.where, "team_id": _TEAMS[team]}
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(key.table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(sql.Placeholder() * len(row)),
        )
        try:
            with connection.transaction():
                connection.execute(statement, list(row.values()))
        except psycopg.errors.UniqueViolation:
            return False
        return True

    return put
