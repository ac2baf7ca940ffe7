"""What an import does to one keyed table: lines -> references, keys, statements, rows."""

from collections.abc import Mapping

import polars as pl

from contracts.keyed import KeyedTable, Preference
from transforms.ids import derive_ids, time_part
from transforms.relations import Work, append, ask, ask_value, query, run, statement
from transforms.work_tables import empty

_OF_ALL_TABLES = (
    *("keyed_changes", "keyed_values", "keyed_before", "keyed_row_statements", "line_rows"),
    *("late_issues", "kept_rows", "line_people", "repeated_rows", "moving_rows"),
)
_OF_ONE_TABLE = ("row_facts", "row_columns", "word_ranks", "keep_rules")


def begin(work: Work) -> None:
    """Begin to plan keyed tables: nothing is planned of any."""
    for name in _OF_ALL_TABLES:
        empty(work, name)
    run(work, "row_macros")


def list_line_people(work: Work) -> None:
    """Fill ``line_people``, after people are planned."""
    run(work, "list_line_people")


def list_said(work: Work) -> set[str]:
    """The tables of which the file says something."""
    said = "select distinct table_name from said_rows where line_no >= 0"
    return {name for (name,) in ask(work, said)}


def take_said(work: Work, table: KeyedTable, *, is_entity: bool = False) -> None:
    """Begin with one table.

    Makes ``row_lines``, ``row_values`` and ``references_named``.

    Args:
        work: With what the file says.
        table: The table.
        is_entity: Whether the file is about its rows, so that a reject is none of them.
    """
    for name, frame in zip(_OF_ONE_TABLE, _describe(table, is_entity=is_entity), strict=True):
        empty(work, name)
        append(work, name, frame)
    run(work, "take_said")


def has_lines(work: Work) -> bool:
    """Whether anything is said of the table that was begun with."""
    return bool(ask_value(work, "select count(*) from row_lines"))


def list_named(work: Work, column: str) -> pl.DataFrame:
    """The distinct ``value`` that cells of a reference name."""
    said = "select distinct value from references_named where column_name = $column order by all"
    return query(work, said, column=column)


def resolve_reference(
    work: Work, column: str, found: pl.DataFrame, same_line: pl.DataFrame
) -> None:
    """Find the row that each line's reference is to.

    Args:
        work: With the tables of ``take_said``.
        column: The reference.
        found: ``value`` -> ``row_id``, of what cells name; each value once.
        same_line: ``line_no`` -> ``row_id``, of what rows themselves are about.
    """
    for name, frame in (
        ("column_now", pl.DataFrame({"column_name": [column]})),
        ("found_rows", found),
        ("same_line", same_line),
    ):
        empty(work, name)
        append(work, name, frame)
    run(work, "resolve_reference")


def key_rows(work: Work) -> None:
    """Give each line its key. Makes ``keyed_lines``, ``unkeyed_lines``, ``new_statements``."""
    run(work, "key_rows")


def fold_rows(work: Work, table: KeyedTable, import_id: str) -> None:
    """Fold what is said of each row, and compare it with what Postgres holds.

    Reads the ``stored_`` tables that ``flows.keyed_stored`` fills. Adds to ``keyed_changes``,
    ``keyed_values``, ``keyed_row_statements`` and ``repeated_rows``.
    """
    run(work, "know_statements")
    run(work, "fold_rows")
    _name_new_rows(work, table, import_id)
    run(work, "compare_rows")
    run(work, "plan_row_statements")
    run(work, "list_repeated_rows")


def list_computed(work: Work) -> set[str]:
    """The tables of which an import itself says something."""
    return {name for (name,) in ask(work, "select distinct table_name from said_rows")}


def note_moving_people(work: Work) -> None:
    """Note which leads and people an undo takes away or brings back. Fills ``moving_rows``."""
    run(work, "note_moving_people")


def list_taken_back(work: Work, import_id: str) -> pl.DataFrame:
    """What an import said of the rows of a table: ``statement_no`` and ``digest``.

    Reads the ``stored_`` tables of an undo. Makes ``known_statements``.
    """
    run(work, "know_statements")
    return query(
        work,
        "select statement_no, row_digest(table_name, row_id, digest, stated_at) as digest"
        " from known_statements cross join row_facts where import_id = $import_id",
        import_id=import_id,
    )


def restate_rows(
    work: Work, table: KeyedTable, import_id: str, removed: pl.DataFrame, repeats: pl.DataFrame
) -> None:
    """Fold what is still said of rows, and compare it with what Postgres holds.

    Adds to ``keyed_changes``, ``keyed_values``, ``keyed_row_statements`` and ``kept_rows``.

    Args:
        work: With the ``stored_`` tables of an undo, after ``list_taken_back``.
        table: The table.
        import_id: The undo.
        removed: ``row_key`` -> ``row_id``, of rows that were there once.
        repeats: Which imports repeated what is taken back, as ``row_repeats``.
    """
    empty(work, "row_repeats")
    append(work, "row_repeats", repeats)
    run(work, "add_row_repeats")
    run(work, "fold_rows")
    _name_new_rows(work, table, import_id, removed)
    run(work, "restate_rows")


def list_kept_rows(work: Work) -> list[dict[str, str]]:
    """Rows that an undo leaves, as ``transforms.undo.list_kept`` tells it."""
    return query(
        work,
        "select table_name as what, row_id as id, replace(row_key, chr(31), ' / ') as name,"
        " fields as field, '' as value, why"
        " from kept_rows order by all",
    ).to_dicts()


def plan_rows(work: Work, table: KeyedTable) -> None:
    """Make ``keyed_<table>``: ``action``, ``version`` and the columns, in the order of the key."""
    columns = [
        f"max(value) filter (column_name = '{name}') as \"{name}\"" for name in table.columns
    ]
    work.execute(
        f'create or replace table "keyed_{table.name}" as'  # noqa: S608
        f' select action, any_value(version) as version, row_id as "{table.id_column}",'
        f" {', '.join(columns)}, any_value(stated_at) as stated_at,"
        " any_value(import_id) as import_id, row_key"
        " from keyed_changes left join keyed_values using (table_name, row_key) cross join facts"
        " where table_name = $table and action in ('insert', 'update', 'delete')"
        " group by action, row_id, row_key",
        {"table": table.name},
    ).fetchall()


def list_refused(work: Work) -> pl.DataFrame:
    """Landed rows that are none of the table after all, each with its ``code``."""
    return query(work, statement("list_refused"))


def tell_unknown(work: Work) -> None:
    """Tell what cells name and nobody knows, of rows that are loaded without it."""
    run(work, "tell_unknown")


def count_rows(work: Work) -> dict[str, dict[str, int]]:
    """Table -> action -> rows that are written, of keyed tables and of their statements."""
    counted = (
        "select table_name, action, count(*) from keyed_changes"
        " where action in ('insert', 'update', 'delete') group by all"
        " union all"
        " select 'row_statements', action, count(*) from keyed_row_statements group by all"
        " order by all"
    )
    effects: dict[str, dict[str, int]] = {}
    for name, action, rows in ask(work, counted):
        effects.setdefault(name, {})[action] = rows
    return effects


def _name_new_rows(
    work: Work, table: KeyedTable, import_id: str, removed: pl.DataFrame | None = None
) -> None:
    """Fill ``new_rows``: the ids of rows that Postgres does not hold, or what they were."""
    empty(work, "new_rows")
    new = query(
        work,
        "select row_key, md5(concat_ws(chr(31), $import_id, $table, row_key)) as row_id"
        " from folded_rows anti join stored_rows using (row_key)",
        import_id=import_id,
        table=table.name,
    )
    new = new.with_columns(derive_ids(table.row, time_part(import_id), new["row_id"]))
    if removed is not None:
        known = removed.group_by("row_key").agg(known_id=pl.col("row_id").max())
        new = new.join(known, on="row_key", how="left").select(
            "row_key", row_id=pl.coalesce("known_id", "row_id")
        )
    append(work, "new_rows", new)


def _describe(table: KeyedTable, *, is_entity: bool) -> tuple[pl.DataFrame, ...]:
    """The rows of ``_OF_ONE_TABLE``."""
    facts = pl.DataFrame(
        [
            {
                "table_name": table.name,
                "on_conflict": table.on_conflict,
                "is_oldest": table.keep[-1] == "oldest",
                "is_entity": is_entity,
            }
        ]
    )
    places: Mapping[str, int] = {name: place for place, name in enumerate(table.key)}
    columns = pl.DataFrame(
        [
            {
                "column_name": name,
                "kind": column.kind,
                "merge": column.merge,
                "key_place": places.get(name),
                "is_required": column.is_required,
                "is_made": column.is_made,
                "is_computed": column.is_computed,
                "refers_to": column.to or None,
            }
            for name, column in table.columns.items()
        ],
        infer_schema_length=None,
    )
    ranks = [
        (name, word, rank)
        for name, column in table.columns.items()
        for word, rank in column.ranks.items()
    ]
    keep = [
        (place, each.column, each.prefer) if isinstance(each, Preference) else (place, None, each)
        for place, each in enumerate(table.keep)
    ]
    return (
        facts,
        columns,
        pl.DataFrame(ranks, ["column_name", "value", "rank"], orient="row"),
        pl.DataFrame(
            keep,
            {"place": pl.Int64, "column_name": pl.String, "prefer": pl.String},
            orient="row",
        ),
    )
