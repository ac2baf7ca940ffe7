"""The floor: the rows of an import, already clean, through psql into the same tables.

What an import left in a database is written down beforehand, a file of COPY a table, in the order
of its key. Loading them takes what any loader has to: COPY into a temp table, INSERT ... ON
CONFLICT from there, in one transaction, with the same indexes, constraints and triggers (which are
silent for an import, and so are they here). Nothing is analysed and nothing is compared.
"""

from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from flows import local_postgres
from tests.benchmarks.measure import Call

# One table as a script would have it: a row a record, found by id, phone and email. Unique indexes
# need one holder a value, so that a phone or email is that of the first record that states it.
SINGLE_TABLE = """
CREATE TABLE single_people (
    record_id text COLLATE "C" PRIMARY KEY, phone text COLLATE "C", email text COLLATE "C",
    mobile text, honorific text, first_name text, middle_name text, last_name text, suffix text,
    full_name text, company text, job_title text, st_address text, city text, state text, zip text,
    country text, product text, lead_status text, note text, clock timestamptz, fields jsonb
);
CREATE UNIQUE INDEX single_people_phone_idx ON single_people (phone);
CREATE UNIQUE INDEX single_people_email_idx ON single_people (email);
"""
_SINGLE_ROWS = """
SELECT source_record_id,
    CASE WHEN row_number() OVER (PARTITION BY phones[1] ORDER BY source_record_id) = 1
        THEN phones[1] END,
    CASE WHEN row_number() OVER (PARTITION BY emails[1] ORDER BY source_record_id) = 1
        THEN emails[1] END,
    phones[2], honorific, first_name, middle_name, last_name, suffix, full_name, company,
    job_title, st_address, city, state, zip, country, product, lead_status, note, clock, fields
FROM leads ORDER BY source_record_id
"""

# What stands in a migrated database before any import.
_BEFORE = ("teams", "leadfold_migrations")

# The key is the primary one. Where there is none, rows are sorted by the one unique index, which
# may hold an expression: by its columns, and then by all.
_TABLES = """
SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum) AS columns,
    coalesce((
        SELECT array_agg(k.attname::text ORDER BY array_position(i.indkey::int2[], k.attnum))
        FROM pg_index AS i
        JOIN pg_attribute AS k ON k.attrelid = c.oid AND k.attnum = ANY (i.indkey)
        WHERE i.indrelid = c.oid AND i.indisprimary
    ), '{}') AS key,
    (
        SELECT array_agg(k.attname::text
            ORDER BY array_position(i.indkey::int2[], k.attnum) NULLS LAST, k.attnum)
        FROM pg_index AS i
        JOIN pg_attribute AS k ON k.attrelid = c.oid AND k.attnum > 0 AND NOT k.attisdropped
        WHERE i.indrelid = c.oid AND i.indisunique
    ) AS by_index
FROM pg_class AS c
JOIN pg_attribute AS a
    ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
GROUP BY c.oid, c.relname
-- The ledger first: others refer to it.
ORDER BY c.relname <> 'imports', c.relname
"""


def export(url: str, folder: Path) -> dict[str, int]:
    """Write down what an import left, and how to load it.

    Args:
        url: The database, of which nothing but that import is told.
        folder: Gets ``all.sql`` and ``single.sql`` for psql, and the files that they load.

    Returns:
        Table -> rows, of those that have any.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows: dict[str, int] = {}
    settings = ("leadfold.import_id", "leadfold.lists_claims")
    script = [f"SELECT set_config('{name}', 'floor', true) \\g /dev/null" for name in settings]
    with psycopg.connect(url) as connection:
        for table, columns, key, by_index in list(_tables(connection)):
            path = folder / f"{table}.copy"
            query = sql.SQL("SELECT {} FROM {} ORDER BY {}").format(
                _names(columns),
                sql.Identifier(table),
                _names(key or by_index) if key or by_index else sql.SQL("ctid"),
            )
            if count := _copy_out(connection, query, path):
                rows[table] = count
                conflict = _on_conflict(key) if key or by_index else sql.SQL("")
                script += _load(connection, table, columns, conflict, path)
        single = folder / "single_people.copy"
        _copy_out(connection, sql.SQL(_SINGLE_ROWS), single)
        connection.execute(SINGLE_TABLE)
        columns = {name: names for name, names, *_ in _tables(connection)}["single_people"]
        conflict = _on_conflict(["record_id"])
        alone = _load(connection, "single_people", columns, conflict, single)
        connection.rollback()
    _write(folder / "all.sql", script)
    _write(folder / "single.sql", alone)
    return rows


def load(url: str, script: Path) -> Call:
    """The call that loads what was written down: ``all.sql``, or ``single.sql``."""
    options = ("-X", "--quiet", "--set", "ON_ERROR_STOP=1")
    return Call((local_postgres.psql(), *options, "-f", str(script), url))


def make_single_table(url: str) -> None:
    """Make the one table with three indexes."""
    with psycopg.connect(url) as connection:
        connection.execute(SINGLE_TABLE)


def _tables(
    connection: psycopg.Connection,
) -> Iterator[tuple[str, list[str], list[str], list[str]]]:
    for table, columns, key, by_index in connection.execute(_TABLES).fetchall():
        if table not in _BEFORE:
            yield table, columns, key, by_index or []


def _copy_out(connection: psycopg.Connection, query: sql.SQL | sql.Composed, path: Path) -> int:
    with path.open("wb") as file:
        cursor = connection.cursor()
        with cursor.copy(sql.SQL("COPY ({}) TO STDOUT").format(query)) as copy:
            for piece in copy:
                file.write(piece)
    return cursor.rowcount


def _on_conflict(key: list[str]) -> sql.Composed:
    target = sql.SQL("({})").format(_names(key)) if key else sql.SQL("")
    return sql.SQL(" ON CONFLICT {} DO NOTHING").format(target)


def _load(
    connection: psycopg.Connection,
    table: str,
    columns: list[str],
    conflict: sql.Composable,
    path: Path,
) -> list[str]:
    names = {
        "table": sql.Identifier(table),
        "delta": sql.Identifier(f"floor_{table}"),
        "columns": _names(columns),
        "conflict": conflict,
    }
    statements = (
        "CREATE TEMP TABLE {delta} ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA;",
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM {delta}{conflict};",
    )
    create, insert = (sql.SQL(each).format(**names).as_string(connection) for each in statements)
    return [create, f"\\copy floor_{table} FROM '{path}'", insert]


def _names(names: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _write(path: Path, statements: list[str]) -> None:
    path.write_text("\n".join(("BEGIN;", *statements, "COMMIT;", "")))
