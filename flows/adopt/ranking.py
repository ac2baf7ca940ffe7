"""Which row of a group of duplicates stays."""

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql

from contracts.keyed import KeyedTable
from flows.adopt.schema import ExistingTable


@dataclass(frozen=True)
class Ranking:
    """An order of the rows of a group; the first stays.

    Attributes:
        terms: What an ORDER BY holds, of a row called ``t``.
        told: The rule, for people.
    """

    terms: tuple[sql.Composable, ...]
    told: str

    @property
    def order(self) -> sql.Composed:
        """What stands behind ORDER BY."""
        return sql.SQL(", ").join(self.terms)


def rank_by_completeness(table: ExistingTable, newest_by: str, oldest_by: str) -> Ranking:
    """The most complete row stays, then that of the newest activity, then the oldest.

    Args:
        table: Of which the rows are. Every column counts but the primary key and what Postgres
            computes.
        newest_by: The column that tells a row's newest activity; empty: there is none.
        oldest_by: The column that tells since when it is there; empty: there is none.
    """
    counted = [
        sql.SQL("({})::int").format(column.is_filled("t"))
        for column in table.columns.values()
        if not column.is_generated and column.name not in table.primary_key
    ]
    complete = sql.SQL("({}) DESC").format(
        sql.SQL(" + ").join(counted or [sql.SQL("{}").format(0)])
    )
    terms: list[sql.Composable] = [complete]
    told = ["the most complete row"]
    if newest_by:
        terms.append(_descending(newest_by))
        told.append(f"then the newest {newest_by}")
    if oldest_by:
        terms.append(_ascending(oldest_by))
        told.append(f"then the oldest {oldest_by}")
    return Ranking((*terms, *_by_id(table)), ", ".join(told))


def rank_by_contract(
    table: ExistingTable,
    contract: KeyedTable,
    names: Mapping[str, str],
    newest_by: str,
    oldest_by: str,
) -> Ranking:
    """The row stays that the contract keeps.

    Args:
        table: Of which the rows are.
        contract: Its contract.
        names: The contract's columns that the table has -> how they are called there.
        newest_by: The column that says when a row was stated; empty: there is none.
        oldest_by: The column that tells since when it is there; empty: there is none.
    """
    terms: list[sql.Composed] = []
    told: list[str] = []
    for each in contract.keep:
        if each == "newest":
            terms += [_descending(newest_by)] if newest_by else []
            told.append(f"the newest {newest_by}".strip())
        elif each == "oldest":
            terms += [_ascending(oldest_by)] if oldest_by else []
            told.append(f"the oldest {oldest_by}".strip())
        elif each.column in names:
            column = names[each.column]
            if each.prefer == "highest":
                terms.append(_descending(column))
                told.append(f"the highest {column}")
            else:
                wanted = sql.SQL("coalesce({}::text = {}, false) DESC")
                terms.append(wanted.format(sql.Identifier("t", column), sql.Literal(each.prefer)))
                told.append(f"{column} {each.prefer}")
    return Ranking((*terms, *_by_id(table)), ", then ".join(told))


def _descending(column: str) -> sql.Composed:
    return sql.SQL("{} DESC NULLS LAST").format(sql.Identifier("t", column))


def _ascending(column: str) -> sql.Composed:
    return sql.SQL("{} ASC NULLS LAST").format(sql.Identifier("t", column))


def _by_id(table: ExistingTable) -> list[sql.Identifier]:
    return [sql.Identifier("t", name) for name in table.primary_key]
