"""Whether the keys of adopted tables are in force, for ``leadfold verify``."""

from collections.abc import Iterator
from dataclasses import replace

import psycopg
from psycopg import errors, sql

from flows.adopt.adoption import AdoptedKey
from flows.adopt.journal import has_journal
from flows.adopt.schema import ExistingTable, read_tables
from flows.adopt.statements import named
from flows.verified import Verified


def verify_adopted(connection: psycopg.Connection) -> Iterator[Verified]:
    """Look at each key that ``leadfold adopt`` has made, and try it with a copy of a row.

    The copy is put in by a transaction that is rolled back.

    Args:
        connection: To the adopted database, without a transaction.
    """
    if not has_journal(connection):
        return
    tables = read_tables(connection)
    rows = connection.execute(
        "SELECT table_schema, table_name, columns, index_name, wanted, contract"
        " FROM leadfold_adopt.keys WHERE state = 'valid' ORDER BY key_no"
    ).fetchall()
    for schema, name, columns, index, wanted, contract in rows:
        seen = Verified(f"{schema}.{name}", tuple(columns), index, is_adopted=True)
        table = tables.get(f"{schema}.{name}")
        if table is None or not set(columns) <= table.columns.keys():
            yield replace(seen, fault="the table, or a column of the key, is gone")
            continue
        key = AdoptedKey(
            table, tuple(columns), index, wanted, is_of_contract=contract != "contacts"
        )
        yield _verify(connection, key, seen)


def _verify(connection: psycopg.Connection, key: AdoptedKey, seen: Verified) -> Verified:
    index = next((each for each in key.table.indexes if each.name == key.index), None)
    # One that was there before has a name of its own.
    is_kept = key.is_in_force
    seen = replace(
        seen,
        is_there=is_kept or bool(index and index.is_unique),
        is_valid=is_kept,
    )
    try:
        seen = replace(seen, duplicates=_count_duplicates(connection, key))
        return _try_out(connection, key, seen)
    except psycopg.Error as error:
        return replace(seen, fault=error.diag.message_primary or str(error))


def _count_duplicates(connection: psycopg.Connection, key: AdoptedKey) -> int:
    (count,) = connection.execute(
        sql.SQL("SELECT coalesce(sum(many - 1), 0)::bigint FROM ({}) AS doubled").format(key.groups)
    ).fetchone() or (0,)
    return int(count)


def _try_out(connection: psycopg.Connection, key: AdoptedKey, seen: Verified) -> Verified:
    columns, values = _copy(connection, key)
    statement = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} AS t WHERE {} LIMIT 1").format(
        key.table.identifier,
        named(columns),
        sql.SQL(", ").join(values),
        key.table.identifier,
        key.covers("t"),
    )
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("SET LOCAL lock_timeout = '5s'")
            copied = connection.execute(statement).rowcount
    except errors.UniqueViolation as error:
        met = error.diag.constraint_name
        names = {each.name for each in key.table.indexes if set(each.columns) == set(key.columns)}
        if met in names | {key.index}:
            return replace(seen, refuses_duplicates=True)
        # Another index refuses the copy first, so that this one is not tried.
        return seen
    # Without a row that the key is about there is nothing to copy.
    return replace(seen, refuses_duplicates=False if copied else None)


def _copy(
    connection: psycopg.Connection, key: AdoptedKey
) -> tuple[list[str], list[sql.Composable]]:
    """The columns of a copy of a row, and their values: its primary key is another one, and what is
    unique besides is left out where it may be."""
    table = key.table
    given = {
        name
        for (name,) in connection.execute(
            "SELECT attname FROM pg_attribute"
            " WHERE attrelid = %s AND (atthasdef OR attidentity <> '')",
            [table.oid],
        ).fetchall()
    }
    elsewhere = {
        name
        for index in table.indexes
        if index.is_unique and set(index.columns) != set(key.columns)
        for name in index.uses
        if name not in key.columns and table.columns[name].is_nullable
    }
    columns: list[str] = []
    values: list[sql.Composable] = []
    for name in table.written_columns:
        is_id = table.primary_key == (name,)
        if (is_id and name in given) or table.columns[name].is_fixed:
            continue
        if name in elsewhere:
            continue
        columns.append(name)
        values.append(_other(table, name) if is_id else sql.Identifier("t", name))
    return columns, values


def _other(table: ExistingTable, name: str) -> sql.Composable:
    """A value that no row has in its primary key."""
    column = table.columns[name]
    if column.type_name == "uuid":
        return sql.SQL("gen_random_uuid()")
    if column.category == "S":
        return sql.SQL("'leadfold verify'")
    if column.category == "N":
        return sql.SQL("(SELECT max({0}) + 1 FROM {1})").format(
            sql.Identifier(name), table.identifier
        )
    return sql.Identifier("t", name)
