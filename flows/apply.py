"""Executes a plan: new rows by COPY, changes by COPY into temp tables and a statement per table."""

from collections.abc import Iterable, Mapping
from contextlib import suppress

import polars as pl
import psycopg
from psycopg import sql

from contracts import people_tables as tables
from contracts.errors import StalePlanError
from contracts.people_tables import Table
from flows.claim_rows import held_as, touch_holders
from flows.copying import copy_in
from flows.import_issues import write_issues
from flows.ledger import finish_import
from flows.write_order import list_order
from transforms.plan import Plan
from transforms.planned_rows import Action

_MANY_ROWS = 10_000


_NOTHING: Mapping[str, int] = {}


def apply(
    connection: psycopg.Connection,
    team_id: str,
    import_id: str,
    plan: Plan,
    conflicts: Mapping[str, int],
    written: Mapping[str, int] = _NOTHING,
) -> None:
    """Write what a plan says, and the ledger, in the transaction that the caller holds.

    Args:
        connection: In that transaction.
        team_id: Whose data.
        import_id: The import, for the ledger and for triggers, which tell us from other writers.
        plan: What to do.
        conflicts: What earlier tries met, for the ledger.
        written: Table -> new rows of lone records that stand there already, in this transaction
            (``flows.ahead``).

    Raises:
        StalePlanError: A row is not as it was when the plan was made. Roll back, plan again.
    """
    name_import(connection, import_id)
    if tables.IDENTITIES.name in plan.effects:
        touch_holders(connection, team_id, plan.claim_holders())
    for table, action in list_order():
        if planned := plan.planned(table, action):
            already = written.get(table.name, 0) if action == "insert" else 0
            _write(connection, team_id, import_id, table, action, plan, planned, already)
    write_issues(connection, team_id, import_id, plan)
    if not plan.is_empty:
        connection.execute(
            "UPDATE teams SET change_seq = change_seq + 1 WHERE team_id = %s", [team_id]
        )
    finish_import(connection, import_id, plan, conflicts)


def name_import(connection: psycopg.Connection, import_id: str) -> None:
    """Tell triggers, until the transaction ends, that a plan is written: it says what is edited
    and listed."""
    connection.execute(
        "SELECT set_config('leadfold.import_id', %s, true),"
        " set_config('leadfold.lists_claims', 'yes', true)",
        [import_id],
    )


def analyze_grown(
    connection: psycopg.Connection, team_id: str, effects: Mapping[str, Mapping[str, int]]
) -> None:
    """Tell Postgres how large tables have become, or it joins by what they held before.

    Only after an import that brought many rows, and a tenth of what its team had: looking at a
    table takes as long as reading 30,000 of its pages, however few rows have come.

    After the commit: until its transaction ends, ANALYZE keeps every other import, of whatever
    team, from analysing the table, and they would wait for each other. What it cannot do (as while
    another team's runs), autovacuum does later, and no import fails for it.

    Args:
        connection: Without a transaction.
        team_id: Whose data.
        effects: Table -> action -> rows that were written.
    """
    for table, action in list_order():
        inserted = effects.get(table.name, {}).get(action, 0)
        if action != "insert" or inserted < _MANY_ROWS:
            continue
        with suppress(psycopg.Error):
            if inserted * 10 >= _count_rows(connection, team_id, table) - inserted:
                connection.execute(
                    sql.SQL("ANALYZE (SKIP_LOCKED) {} ({})").format(
                        sql.Identifier(table.name), _names(("team_id", *table.joined))
                    )
                )


def _count_rows(connection: psycopg.Connection, team_id: str, table: Table) -> int:
    """How many rows a team has, by the ledger; to count them would take as long as to analyse."""
    (rows,) = connection.execute(
        "SELECT coalesce(sum(coalesce((effects -> %(table)s ->> 'insert')::bigint, 0)"
        " - coalesce((effects -> %(table)s ->> 'delete')::bigint, 0)), 0)::bigint"
        " FROM imports WHERE team_id = %(team)s",
        {"table": table.name, "team": team_id},
    ).fetchone() or (0,)
    return int(rows)


def _write(
    connection: psycopg.Connection,
    team_id: str,
    import_id: str,
    table: Table,
    action: Action,
    plan: Plan,
    planned: int,
    already: int = 0,
) -> None:
    if action == "insert":
        rows = plan.rows(table, "insert", with_lone=not already)
        _expect(table, "insert", planned, already + insert_rows(connection, team_id, table, rows))
        return
    names = {
        "table": sql.Identifier(table.name),
        "delta": _load(connection, table, action, plan),
        "team": sql.Literal(team_id),
        "stored_key": _names(table.key, "stored"),
        "same_row": _same_row(team_id, table, action),
    }
    if table.is_versioned:
        _lock(connection, table, action, names, planned)
    if table.is_kept:
        _keep(connection, table, import_id, names)
    if action == "delete":
        done = connection.execute(
            sql.SQL("DELETE FROM {table} AS stored USING {delta} AS delta WHERE {same_row}").format(
                **names
            )
        ).rowcount
    else:
        if table is tables.PERSONAS:
            _release_phones(connection, names)
        # Who lets go of a claim comes before who takes it: Postgres checks row by row.
        is_claim = table is tables.IDENTITIES
        steps = ("NOT delta.is_exclusive", "delta.is_exclusive") if is_claim else ("true",)
        done = sum(_update(connection, table, names, sql.SQL(step)) for step in steps)
    _expect(table, action, planned, done)


def _same_row(team_id: str, table: Table, action: Action) -> sql.Composed:
    """The condition by which a row of the delta finds the stored one."""
    same = sql.SQL("stored.team_id = {} AND ({}) = ({})").format(
        sql.Literal(team_id), _names(table.key, "stored"), _names(table.key, "delta")
    )
    return (
        sql.SQL("{} AND {}").format(same, held_as(action)) if table is tables.IDENTITIES else same
    )


def insert_rows(
    connection: psycopg.Connection, team_id: str, table: Table, frames: Iterable[pl.DataFrame]
) -> int:
    """COPY rows that nobody had, in the order in which they are planned, into their table.

    Where somebody else has written one of them meanwhile, Postgres says which constraint that
    violates.

    Returns:
        How many they are.
    """
    rows = (frame.select(pl.lit(team_id).alias("team_id"), *table.columns) for frame in frames)
    return copy_in(connection, table.name, rows)


def _lock(
    connection: psycopg.Connection,
    table: Table,
    action: Action,
    names: Mapping[str, sql.Composable],
    planned: int,
) -> None:
    """Lock the rows to change, in the order of their keys, if they are as they were read."""
    (locked,) = connection.execute(
        sql.SQL(
            "SELECT count(*) FROM (SELECT FROM {table} AS stored JOIN {delta} AS delta"
            " ON {same_row} AND stored.xmin::text::bigint = delta.version"
            " ORDER BY {stored_key} FOR UPDATE OF stored) AS locked"
        ).format(**names)
    ).fetchone() or (0,)
    _expect(table, action, planned, locked)


def _keep(
    connection: psycopg.Connection,
    table: Table,
    import_id: str,
    names: Mapping[str, sql.Composable],
) -> None:
    """Write down how the rows are before they change, for undo and history."""
    connection.execute(
        sql.SQL(
            "INSERT INTO row_versions (team_id, import_id, table_name, row_key, before)"
            " SELECT {team}, {import_id}, {name}, concat_ws('|', {stored_key}), to_jsonb(stored)"
            " FROM {table} AS stored JOIN {delta} AS delta ON {same_row}"
        ).format(import_id=sql.Literal(import_id), name=sql.Literal(table.name), **names)
    )


def _release_phones(connection: psycopg.Connection, names: Mapping[str, sql.Composable]) -> None:
    """Let go of phones that others take in the same statement: Postgres checks row by row."""
    connection.execute(
        sql.SQL(
            "UPDATE {table} AS stored SET is_phone_exclusive = false FROM {delta} AS delta"
            " WHERE {same_row} AND stored.is_phone_exclusive AND stored.phone <> ''"
            " AND (stored.phone IS DISTINCT FROM delta.phone OR delta.merged_into IS NOT NULL)"
        ).format(**names)
    )


def _update(
    connection: psycopg.Connection,
    table: Table,
    names: Mapping[str, sql.Composable],
    which: sql.SQL,
) -> int:
    values = [name for name in table.columns if name not in table.key]
    changed: list[sql.Composable] = [
        sql.SQL("{} = {}").format(sql.Identifier(name), _new_value(table, name)) for name in values
    ]
    if table.is_versioned:
        changed.append(sql.SQL("updated_at = now()"))
    return connection.execute(
        sql.SQL(
            "UPDATE {table} AS stored SET {changed} FROM {delta} AS delta"
            " WHERE {same_row} AND {which}"
        ).format(changed=sql.SQL(", ").join(changed), which=which, **names)
    ).rowcount


def _new_value(table: Table, name: str) -> sql.Composable:
    if name in table.merged:
        return sql.SQL("(stored.{name} - 'extra') || delta.{name}").format(
            name=sql.Identifier(name)
        )
    return sql.Identifier("delta", name)


def _load(
    connection: psycopg.Connection, table: Table, action: Action, plan: Plan
) -> sql.Identifier:
    """COPY the planned rows of a table into a temp table of the same column types."""
    name = f"delta_{table.planned_in}_{action}"
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
    copy_in(connection, name, plan.rows(table, action))
    connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(name)))
    return sql.Identifier(name)


def _names(names: tuple[str, ...], table: str = "") -> sql.Composed:
    prefix = (table,) if table else ()
    return sql.SQL(", ").join(sql.Identifier(*prefix, name) for name in names)


def _expect(table: Table, action: Action, planned: int, done: int) -> None:
    if planned != done:
        raise StalePlanError(
            f"{table.name}: planned to {action} {planned} rows, {done} were as they had been read.",
            table.refused_by if action == "insert" else "row_version",
        )
