"""To which rows the rows of keyed tables refer: asked of Postgres and of the plan itself."""

import polars as pl
import psycopg
from psycopg import sql

from contracts.keyed import LEADS, PERSONAS, Column, KeyedTable
from contracts.registry import load_tables
from flows.copying import copy_out
from flows.wanted import list_values
from transforms.keyed import list_named, resolve_reference
from transforms.relations import Work, query
from transforms.shapes import Schema

_FOUND: Schema = {"value": pl.String, "row_id": pl.String}


def resolve(
    connection: psycopg.Connection,
    work: Work,
    team_id: str,
    source_file: str,
    name: str,
    reference: Column,
) -> None:
    """Resolve one reference of the table that is planned now.

    Args:
        connection: In the transaction that holds the team's lock.
        work: With ``line_people``, and what is planned of the tables before.
        team_id: Whose rows.
        source_file: The logical file: of several records of one id, its own is meant.
        name: The column.
        reference: What it refers to.
    """
    named = list_named(work, name)["value"]
    if reference.to == PERSONAS:
        found = _ask(connection, named, _PERSONAS, team_id)
        same_line = query(work, "select line_no, persona_id as row_id from line_people")
    elif reference.to == LEADS:
        found = _only(_ask(connection, named, _LEADS, team_id))
        same_line = _leads_of_lines(connection, work, team_id)
    else:
        target = load_tables()[reference.to]
        found = _find(connection, work, target, reference.by, named, team_id, source_file)
        same_line = _rows_of_lines(connection, work, target, reference.by, team_id)
    resolve_reference(work, name, found, same_line.drop_nulls())


_PERSONAS = (
    "SELECT value, leadfold_find_persona({team}, value) FROM wanted_values"
    " WHERE leadfold_find_persona({team}, value) IS NOT NULL"
)
_LEADS = (
    "SELECT value, lead_id FROM wanted_values JOIN leads ON team_id = {team} AND lead_id = value"
    " UNION SELECT value, lead_id FROM wanted_values JOIN leads"
    " ON team_id = {team} AND source_record_id = value"
)
_NEWEST_LEADS = (
    "SELECT DISTINCT ON (value) value, lead_id FROM wanted_values JOIN leads"
    " ON team_id = {team} AND persona_id = value"
    " ORDER BY value, coalesce(last_activity_at, clock) DESC NULLS LAST, lead_id DESC"
)


def _ask(
    connection: psycopg.Connection,
    values: pl.Series,
    select: str,
    team_id: str,
    **names: sql.Composable,
) -> pl.DataFrame:
    """``value`` and ``row_id`` of what Postgres holds under some values."""
    if not len(values):
        return pl.DataFrame(schema=_FOUND)
    list_values(connection, values)
    statement = sql.SQL(select).format(team=sql.Literal(team_id), **names)
    return pl.concat([pl.DataFrame(schema=_FOUND), *copy_out(connection, statement, _FOUND)])


def _only(found: pl.DataFrame) -> pl.DataFrame:
    """Of what one value names several times, nothing: nobody can tell which is meant."""
    distinct = found.unique()
    return distinct.filter(pl.col("value").is_unique())


def _leads_of_lines(connection: psycopg.Connection, work: Work, team_id: str) -> pl.DataFrame:
    """The lead that a row makes or repeats; of who is only named, the newest one."""
    own = query(work, "select line_no, lead_id as row_id, persona_id as value from line_people")
    bare = own.filter(pl.col("row_id").is_null() & pl.col("value").is_not_null())
    newest = _ask(connection, bare["value"].unique().sort(), _NEWEST_LEADS, team_id)
    filled = bare.drop("row_id").join(newest, on="value", how="inner")
    return pl.concat([own.drop_nulls(), filled.select(own.columns)]).drop("value")


def _rows_of_lines(
    connection: psycopg.Connection, work: Work, target: KeyedTable, by: str, team_id: str
) -> pl.DataFrame:
    """The row of the target that stands in the same line, or is about the same person."""
    if by and target.columns[by].to == PERSONAS:
        people = query(work, "select line_no, persona_id as value from line_people").drop_nulls()
        asked = people["value"].unique().sort()
        found = _find(connection, work, target, by, asked, team_id, "")
        return people.join(found, on="value", how="inner").drop("value")
    return query(
        work,
        "select line_no, row_id from line_rows where table_name = $table",
        table=target.name,
    )


def _find(
    connection: psycopg.Connection,
    work: Work,
    target: KeyedTable,
    by: str,
    values: pl.Series,
    team_id: str,
    source_file: str,
) -> pl.DataFrame:
    """Rows of a keyed table by their ids, or by what a column of theirs says."""
    identifiers: dict[str, sql.Composable] = {
        "table": sql.Identifier(target.name),
        "id": sql.Identifier(target.id_column),
    }
    select = (
        "SELECT value, {id} FROM wanted_values JOIN {table} ON team_id = {team} AND {id} = value"
    )
    if not by:
        return _ask(connection, values, select, team_id, **identifiers)
    identifiers["by"] = sql.Identifier(by)
    same = (
        " UNION SELECT value, {id} FROM wanted_values JOIN {table}"
        " ON team_id = {team} AND {by} = value"
    )
    if "source_file" in target.columns:
        identifiers["file"] = sql.Literal(source_file)
        own = _ask(
            connection, values, f"{select}{same} AND source_file = {{file}}", team_id, **identifiers
        )
    else:
        own = pl.DataFrame(schema=_FOUND)
    anywhere = _ask(connection, values, select + same, team_id, **identifiers)
    planned = query(
        work,
        "select value, row_id from keyed_changes join keyed_values using (table_name, row_key)"
        " where table_name = $table and column_name = $by and action = 'insert'",
        table=target.name,
        by=by,
    )
    # What this file or its feed brings comes before what others call the same.
    near = _only(pl.concat([planned, own]))
    far = anywhere.join(near, on="value", how="anti")
    return pl.concat([near, _only(far)])
