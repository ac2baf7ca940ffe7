"""Executes a plan: COPY into temp tables, then one upsert per table, made from its contract."""

import psycopg
from psycopg import sql

from contracts.errors import StalePlanError
from contracts.tables import TABLES, Table
from flows.copying import copy_in
from flows.ledger import finish_import, refer_to_same_issues
from transforms.plan import Action, Plan


def apply(connection: psycopg.Connection, team_id: str, import_id: str, plan: Plan) -> None:
    """Write what a plan says, and the ledger, in the transaction that the caller holds.

    Raises:
        StalePlanError: A row is not as it was when the plan was made. Roll back, plan again.
    """
    for table in TABLES:
        _insert(connection, team_id, table, plan)
        if table.is_versioned:
            _update(connection, team_id, table, plan)
    _write_issues(connection, team_id, import_id, plan)
    if not plan.is_empty:
        connection.execute(
            "UPDATE teams SET change_seq = change_seq + 1 WHERE team_id = %s", [team_id]
        )
    finish_import(connection, import_id, plan)


def _insert(connection: psycopg.Connection, team_id: str, table: Table, plan: Plan) -> None:
    planned = plan.effects.get(table.name, {}).get("insert", 0)
    if not planned:
        return
    delta = _load(connection, table, "insert", plan)
    done = connection.execute(
        sql.SQL(
            "INSERT INTO {table} (team_id, {columns})"
            " SELECT {team}, {columns} FROM {delta} ORDER BY {key} ON CONFLICT DO NOTHING"
        ).format(
            table=sql.Identifier(table.name),
            columns=_names(table.columns),
            team=sql.Literal(team_id),
            delta=delta,
            key=_names(table.key),
        )
    )
    _expect(table, "insert", planned, done.rowcount)


def _update(connection: psycopg.Connection, team_id: str, table: Table, plan: Plan) -> None:
    planned = plan.effects.get(table.name, {}).get("update", 0)
    if not planned:
        return
    delta = _load(connection, table, "update", plan)
    values = [name for name in table.columns if name not in table.key]
    same_key = [
        sql.SQL("stored.{name} = delta.{name}").format(name=sql.Identifier(name))
        for name in table.key
    ]
    done = connection.execute(
        sql.SQL(
            "UPDATE {table} AS stored SET ({columns}, updated_at) = ROW ({values}, now())"
            " FROM {delta} AS delta"
            " WHERE stored.team_id = {team} AND {same_key}"
            " AND stored.xmin::text::bigint = delta.version"
        ).format(
            table=sql.Identifier(table.name),
            columns=_names(values),
            values=sql.SQL(", ").join(_new_value(table, name) for name in values),
            delta=delta,
            team=sql.Literal(team_id),
            same_key=sql.SQL(" AND ").join(same_key),
        )
    )
    _expect(table, "update", planned, done.rowcount)


def _new_value(table: Table, name: str) -> sql.Composable:
    if name in table.merged:
        return sql.SQL("stored.{name} || delta.{name}").format(name=sql.Identifier(name))
    return sql.Identifier("delta", name)


def _load(
    connection: psycopg.Connection, table: Table, action: Action, plan: Plan
) -> sql.Identifier:
    """COPY the planned rows of a table into a temp table of the same column types."""
    name = f"delta_{table.name}_{action}"
    version = sql.SQL(", 0::bigint AS version") if table.is_versioned else sql.SQL("")
    connection.execute(
        sql.SQL(
            "CREATE TEMP TABLE {name} ON COMMIT DROP AS"
            " SELECT {columns}{version} FROM {table} WITH NO DATA"
        ).format(
            name=sql.Identifier(name),
            columns=_names(table.columns),
            version=version,
            table=sql.Identifier(table.name),
        )
    )
    copy_in(connection, name, plan.rows(table.name, action))
    connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(name)))
    return sql.Identifier(name)


def _write_issues(connection: psycopg.Connection, team_id: str, import_id: str, plan: Plan) -> None:
    connection.execute(
        "CREATE TEMP TABLE delta_import_issues ON COMMIT DROP AS SELECT line_no, severity, code,"
        " field, message, raw, encoding FROM import_issues WITH NO DATA"
    )
    copy_in(connection, "delta_import_issues", plan.issues())
    if not refer_to_same_issues(connection, import_id, plan.counts.rejected):
        connection.execute(
            "INSERT INTO import_issues (import_id, team_id, line_no, severity, code, field,"
            " message, raw, encoding)"
            " SELECT %s, %s, line_no, severity, code, field, message, raw, encoding"
            " FROM delta_import_issues ORDER BY line_no, code, field",
            [import_id, team_id],
        )


def _names(names: list[str] | tuple[str, ...]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _expect(table: Table, action: Action, planned: int, done: int) -> None:
    if planned != done:
        raise StalePlanError(
            f"{table.name}: planned to {action} {planned} rows, {done} were as they had been read."
        )
