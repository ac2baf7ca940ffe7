"""What the row that stays takes over from those that go, column by column."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from psycopg import sql

from contracts.keyed import Column as ContractColumn
from flows.adopt.schema import ExistingTable, Reference

FILL = ContractColumn(kind="text", merge="newest")
"""A blank is filled from the best of the others that has something there."""


@dataclass(frozen=True)
class Merge:
    """One column of the row that stays.

    Attributes:
        column: The column.
        order: By which rows of a group (called ``t``, placed in ``r.place``) offer their values;
            the first that has one gives it.
        only_blanks: Whether what the row has stays, whatever the others have.
        refers_to: Of a reference to the table itself: the column that it names. The row takes over
            no reference to itself.
    """

    column: str
    order: sql.Composable
    only_blanks: bool
    refers_to: str = ""


def list_merges(
    table: ExistingTable,
    rules: Mapping[str, ContractColumn],
    keys: set[str],
    references: Iterable[Reference],
    newest_by: str = "",
    oldest_by: str = "",
) -> tuple[Merge, ...]:
    """How each column is merged, of those that may be.

    What identifies the row stays as it is: primary key, keys, other unique columns, references of
    several columns to the table itself, and what Postgres computes.

    Args:
        table: The table.
        rules: Column -> how its contract merges it.
        keys: Columns of the keys that it is to get.
        references: What refers to it.
        newest_by: The column that says when a row was stated; empty: there is none.
        oldest_by: The column that tells since when a row is there; empty: there is none.
    """
    fixed = keys | {name for index in table.indexes if index.is_unique for name in index.uses}
    own: dict[str, str] = {}
    for each in references:
        if each.is_to_itself and len(each.columns) == 1:
            own[each.columns[0]] = each.parent_columns[0]
        elif each.is_to_itself:
            fixed |= set(each.columns)
    fixed |= {newest_by, oldest_by}
    return tuple(
        replace(_merge(name, rule, newest_by, oldest_by), refers_to=own.get(name, ""))
        for name, rule in rules.items()
        if name not in fixed
        and not (table.columns[name].is_generated or table.columns[name].is_fixed)
    )


def _merge(name: str, rule: ContractColumn, newest_by: str, oldest_by: str) -> Merge:
    value = sql.Identifier("t", name)
    place = sql.SQL("r.place")
    if rule.merge == "highest":
        return Merge(name, sql.SQL("{} DESC, {}").format(value, place), only_blanks=False)
    if rule.merge == "forward":
        ranks = rule.ranks
        order = sql.SQL(
            "({}::int[])[array_position({}::text[], {}::text)] DESC NULLS LAST, {}"
        ).format(
            sql.Literal(list(ranks.values())), sql.Literal(list(ranks)), value, place
        )  # fmt: skip
        return Merge(name, order, only_blanks=False)
    if rule.merge == "oldest" and oldest_by:
        order = sql.SQL("{} ASC NULLS LAST, {}").format(sql.Identifier("t", oldest_by), place)
        return Merge(name, order, only_blanks=False)
    if rule.merge == "newest" and newest_by and rule is not FILL:
        order = sql.SQL("{} DESC NULLS LAST, {}").format(sql.Identifier("t", newest_by), place)
        return Merge(name, order, only_blanks=False)
    return Merge(name, place, only_blanks=True)
