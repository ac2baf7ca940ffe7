"""What Postgres holds of the rows of one keyed table, and what imports said of them."""

from collections.abc import Iterable

import polars as pl
import psycopg
from psycopg import sql

from contracts.keyed import KeyedTable
from flows.copying import copy_in, copy_out
from flows.keyed_sql import (
    KEY_SEPARATOR,
    TIME,
    Moved,
    id_column_of,
    name_table,
    said_of,
    spell,
)
from flows.wanted import list_values
from transforms.json_texts import canonical_text
from transforms.relations import Work, append, ask_value, query
from transforms.shapes import STORED_ROWS, STORED_STATEMENTS, Schema
from transforms.work_tables import empty

_PLACED = ("seq", "import_id", "line_no", "stated_at", "row_id", "is_stored", "is_active")


def fetch_rows(
    connection: psycopg.Connection,
    work: Work,
    table: KeyedTable,
    team_id: str,
    source_file: str,
    *,
    is_locking: bool = False,
) -> None:
    """Fill ``stored_rows``, ``stored_cells``, ``stored_statements`` and ``stored_statement_cells``.

    Args:
        connection: In the transaction that holds the team's lock.
        work: With ``keyed_lines``: the keys that the file states.
        table: The table.
        team_id: Whose rows; of a table that teams share, keys of others are told as theirs.
        source_file: The logical file. What it said of rows that the key covers no more, such as
            queue entries that were sent, is fetched as what does not count: it is not said anew.
        is_locking: Whether to keep everybody else from changing these rows meanwhile.
    """
    keys = query(work, "select distinct row_key from keyed_lines order by all")["row_key"]
    list_keys(connection, table, keys)
    names = name_table(table, team_id)
    if is_locking:
        connection.execute(
            sql.SQL("SELECT FROM {found} ORDER BY t.{id} FOR UPDATE OF t").format(**names)
        )
    fetch_found(connection, work, table, team_id, names["found"])
    if table.where:
        spent = sql.SQL(
            "{once} JOIN row_statements AS s ON s.team_id = t.team_id AND s.table_name = {name}"
            " AND s.row_id = t.{id} AND s.import_id IN ("
            "SELECT import_id FROM imports WHERE team_id = {team} AND source_file = {file})"
        ).format(file=sql.Literal(source_file), **names)
        fetch_statements(
            connection, work, table, team_id, spent, names["wanted_key"], is_spent=True
        )
    note_absent(connection, work, table, team_id)


def fetch_found(
    connection: psycopg.Connection,
    work: Work,
    table: KeyedTable,
    team_id: str,
    found: sql.Composable,
    *,
    moved: Moved | None = None,
) -> None:
    """The same for the rows of a FROM clause that calls the table ``t``.

    Args:
        connection: In the transaction that holds the team's lock.
        work: Where they go.
        table: The table.
        team_id: Whose rows.
        found: The FROM clause.
        moved: Of an undo, what counts no more, or again; what does not count is fetched, too.
    """
    for name in ("stored_rows", "stored_cells", "stored_statements", "stored_statement_cells"):
        empty(work, name)
    names = {**name_table(table, team_id), "found": found}
    columns: Schema = dict.fromkeys(table.columns, pl.String)
    rows = sql.SQL(
        "SELECT {key}, t.{id}, t.xmin::text::bigint, t.team_id = {team}, EXISTS ("
        "SELECT FROM row_statements AS s WHERE s.team_id = t.team_id AND s.table_name = {name}"
        " AND s.row_id = t.{id}), t.edited_fields, t.import_id, {stated_at},"
        " coalesce(i.commit_no, 0), 0, false, t.import_id <> ALL({left_out}), {values} FROM {found}"
        " LEFT JOIN imports AS i ON i.import_id = t.import_id"
    ).format(
        values=spell(table, lambda name, _: sql.Identifier("t", name)),
        stated_at=sql.SQL(TIME).format(sql.Identifier("t", "stated_at")),
        left_out=sql.Literal(list(moved.left_out if moved else ())),
        **names,
    )
    count = 0
    placed: Schema = {name: STORED_STATEMENTS[name] for name in ("row_key", *_PLACED)}
    schema = {**STORED_ROWS, **placed, **columns}
    for frame in copy_out(connection, rows, schema):
        frame = _canonical(table, frame)
        # Rows of others are told as taken, and nothing of what they hold.
        own = frame.filter("is_own")
        append(work, "stored_rows", frame.select(*STORED_ROWS))
        append(work, "stored_cells", _long(own, "row_key", table.columns))
        single = own.filter(~pl.col("has_statements") & (pl.col("import_id") != ""))
        count = _add_statements(work, single, count, table.columns)
    source = sql.SQL(
        "{found} JOIN row_statements AS s ON s.team_id = t.team_id AND s.table_name = {name}"
        " AND s.row_id = t.{id}"
    ).format(**names)
    fetch_statements(connection, work, table, team_id, source, names["key"], moved=moved)


def note_absent(
    connection: psycopg.Connection, work: Work, table: KeyedTable, team_id: str
) -> None:
    """Fill ``absent_references``: what statements refer to, and Postgres does not hold any more."""
    empty(work, "absent_references")
    for name, reference in table.references():
        said = "select distinct value from stored_statement_cells where column_name = $name"
        values = query(work, f"{said} order by all", name=name)["value"]
        if not len(values):
            continue
        list_values(connection, values)
        absent = sql.SQL(
            "SELECT value FROM wanted_values WHERE NOT EXISTS ("
            "SELECT FROM {to} AS x WHERE x.team_id = {team} AND x.{id} = value)"
        ).format(
            to=sql.Identifier(reference.to),
            id=sql.Identifier(id_column_of(reference.to)),
            team=sql.Literal(team_id),
        )
        for frame in copy_out(connection, absent, {"value": pl.String}):
            append(work, "absent_references", frame.with_columns(column_name=pl.lit(name)))


def fetch_statements(
    connection: psycopg.Connection,
    work: Work,
    table: KeyedTable,
    team_id: str,
    found: sql.Composable,
    key: sql.Composable,
    *,
    moved: Moved | None = None,
    is_spent: bool = False,
) -> None:
    """Add what imports said of rows, in ``row_statements``.

    Args:
        connection: In the transaction that holds the team's lock.
        work: Where it goes.
        table: The table.
        team_id: Whose rows.
        found: A FROM clause that calls the statements ``s``.
        key: The key of the row that each is about.
        moved: As for ``fetch_found``.
        is_spent: Whether none of it counts.
    """
    counts = moved.counts if moved else sql.SQL("i.undone_by_import_id IS NULL")
    if is_spent:
        counts = sql.SQL("false")
    select = sql.SQL(
        "SELECT {key}, i.commit_no, s.import_id, s.line_no, {stated_at}, s.row_id, true, {counts},"
        " {values} FROM {found} JOIN imports AS i ON i.import_id = s.import_id"
        " WHERE s.team_id = {team} AND s.table_name = {name} AND ({is_all} OR {counts})"
    ).format(
        key=key,
        found=found,
        values=spell(table, said_of),
        stated_at=sql.SQL(TIME).format(sql.Identifier("s", "stated_at")),
        counts=counts,
        is_all=sql.Literal(is_spent or moved is not None),
        team=sql.Literal(team_id),
        name=sql.Literal(table.name),
    )
    count = ask_value(work, "select coalesce(max(statement_no), 0) from stored_statements")
    placed: Schema = {name: STORED_STATEMENTS[name] for name in ("row_key", *_PLACED)}
    columns: Schema = dict.fromkeys(table.columns, pl.String)
    for frame in copy_out(connection, select, {**placed, **columns}):
        count = _add_statements(work, _canonical(table, frame), count, table.columns)


def list_keys(connection: psycopg.Connection, table: KeyedTable, keys: pl.Series) -> None:
    """Make ``wanted_keys``: a column for each part of the key."""
    connection.execute("DROP TABLE IF EXISTS pg_temp.wanted_keys")
    columns = [sql.SQL('{} text COLLATE "C"').format(sql.Identifier(name)) for name in table.key]
    connection.execute(
        sql.SQL("CREATE TEMP TABLE wanted_keys ({}) ON COMMIT DROP").format(
            sql.SQL(", ").join(columns)
        )
    )
    parts = keys.str.split_exact(KEY_SEPARATOR, len(table.key) - 1).struct.unnest()
    copy_in(
        connection, "wanted_keys", [parts.rename(dict(zip(parts.columns, table.key, strict=True)))]
    )
    connection.execute("ANALYZE wanted_keys")


def _canonical(table: KeyedTable, frame: pl.DataFrame) -> pl.DataFrame:
    """JSON as files spell it: Postgres has an order of its own."""
    for name, column in table.columns.items():
        if column.kind == "json":
            texts = frame[name].drop_nulls().unique().to_list()
            known = {text: canonical_text(text) for text in texts}
            frame = frame.with_columns(
                pl.col(name).replace_strict(known, default=None, return_dtype=pl.String)
            )
    return frame


def _long(frame: pl.DataFrame, index: str, columns: Iterable[str]) -> pl.DataFrame:
    long = frame.select(index, *columns).unpivot(
        index=index, variable_name="column_name", value_name="value"
    )
    return long.drop_nulls("value")


def _add_statements(work: Work, frame: pl.DataFrame, count: int, columns: Iterable[str]) -> int:
    """Add statements, numbered from there on, and give the number that is next."""
    numbered = frame.with_columns(
        statement_no=pl.int_range(count + 1, count + len(frame) + 1, dtype=pl.Int64)
    )
    append(work, "stored_statements", numbered.select("row_key", "statement_no", *_PLACED))
    append(work, "stored_statement_cells", _long(numbered, "statement_no", columns))
    return count + len(frame)
