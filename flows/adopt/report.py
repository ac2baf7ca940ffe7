"""What is found in an existing database before anything is changed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import psycopg
from psycopg import sql
from rich.console import RenderableType

from contracts.keyed import KeyedTable
from contracts.registry import load_tables
from flows.adopt.adopting import Applied
from flows.adopt.adoption import AdoptedKey, Adoption
from flows.adopt.phones import count_odd_phones
from flows.adopt.statements import listed
from flows.terminal import make_table, text_of

_EXAMPLES = 10


@dataclass(frozen=True)
class FoundKey:
    """What is found of one key.

    Attributes:
        key: The key.
        groups: Groups of rows that are equal in it.
        rows_to_remove: Rows beyond the first of their group.
        largest: Rows of the largest group.
        examples: Of the largest groups: the values, and how many rows.
        blank: Rows that the key says nothing about, since part of it is blank.
    """

    key: AdoptedKey
    groups: int
    rows_to_remove: int
    largest: int
    examples: tuple[tuple[tuple[str, ...], int], ...]
    blank: int

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "columns": list(self.key.columns),
            "index": self.key.index,
            "is_in_force": self.key.is_in_force,
            "groups": self.groups,
            "rows_to_remove": self.rows_to_remove,
            "largest": self.largest,
            "rows_with_a_blank": self.blank,
            "examples": [{"key": list(key), "rows": rows} for key, rows in self.examples],
        }


@dataclass(frozen=True)
class FoundTable:
    """What is found of one table.

    Attributes:
        adoption: What is wanted of it.
        rows: How many it has.
        keys: Its keys, as the rows are now; cleaning one may leave fewer for the next.
        breaks: Sentence -> rows that break the contract.
    """

    adoption: Adoption
    rows: int
    keys: tuple[FoundKey, ...]
    breaks: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "table": self.adoption.table.full_name,
            "contract": self.adoption.contract,
            "rows": self.rows,
            "stays": self.adoption.ranking.told,
            "taken_over": [merge.column for merge in self.adoption.merges],
            "references": [each.full_name for each in self.adoption.references],
            "breaks": dict(self.breaks),
            "keys": [key.to_json() for key in self.keys],
        }


def look(
    connection: psycopg.Connection, adoptions: Sequence[Adoption], region: str
) -> list[FoundTable]:
    """Count the duplicates of each key, and what breaks a contract. Nothing is changed.

    Args:
        connection: To the database.
        adoptions: What is wanted.
        region: Country of phones without ``+``, two letters.
    """
    return [_look(connection, adoption, region) for adoption in adoptions]


def _look(connection: psycopg.Connection, adoption: Adoption, region: str) -> FoundTable:
    (rows,) = connection.execute(
        sql.SQL("SELECT count(*) FROM {}").format(adoption.table.identifier)
    ).fetchone() or (0,)
    keys = tuple(_look_at_key(connection, key) for key in adoption.keys)
    contract = load_tables().get(adoption.contract)
    breaks = _count_breaks(connection, adoption, contract) if contract else {}
    if adoption.phone:
        breaks = count_odd_phones(connection, adoption.table, adoption.phone, region)
    return FoundTable(adoption, rows, keys, breaks)


def _look_at_key(connection: psycopg.Connection, key: AdoptedKey) -> FoundKey:
    groups, gone, largest = connection.execute(
        sql.SQL(
            "SELECT count(*), coalesce(sum(many - 1), 0)::bigint, coalesce(max(many), 0)"
            " FROM ({}) AS grouped"
        ).format(key.groups)
    ).fetchone() or (0, 0, 0)
    examples = connection.execute(
        sql.SQL("{} ORDER BY many DESC, {} LIMIT {}").format(
            key.groups, listed("t", key.columns), _EXAMPLES
        )
    ).fetchall()
    (blank,) = connection.execute(
        sql.SQL("SELECT count(*) FROM {} AS t WHERE NOT ({})").format(
            key.table.identifier, key.covers("t")
        )
    ).fetchone() or (0,)
    told = tuple((tuple(map(str, values)), many) for *values, many in examples)
    return FoundKey(key, groups, gone, largest, told, blank)


def _count_breaks(
    connection: psycopg.Connection, adoption: Adoption, contract: KeyedTable
) -> dict[str, int]:
    """Rows that an import would have refused."""
    table = adoption.table
    tests: dict[str, sql.Composable] = {}
    for name, column in contract.columns.items():
        if name not in table.columns:
            continue
        if column.is_required:
            tests[f"'{name}' is needed, and blank"] = sql.SQL("NOT {}").format(
                table.columns[name].is_filled("t")
            )
        if column.words:
            tests[f"'{name}' is none of {', '.join(column.ranks)}"] = sql.SQL(
                "{} AND NOT {}::text = ANY({})"
            ).format(
                table.columns[name].is_filled("t"),
                sql.Identifier("t", name),
                sql.Literal(list(column.ranks)),
            )
    if not tests:
        return {}
    counted = sql.SQL(", ").join(
        sql.SQL("count(*) FILTER (WHERE {})").format(test) for test in tests.values()
    )
    counts = connection.execute(
        sql.SQL("SELECT {} FROM {} AS t").format(counted, table.identifier)
    ).fetchone()
    return {told: count for told, count in zip(tests, counts or (), strict=True) if count}


def found_lines(found: Sequence[FoundTable]) -> Iterator[RenderableType]:
    """A table of the keys, and what would be done, in sentences."""
    table = make_table("table", "key")
    for column in ("groups", "to remove", "largest", "blank"):
        table.add_column(column, justify="right", no_wrap=True)
    for each in found:
        for key in each.keys:
            table.add_row(
                each.adoption.table.full_name,
                ", ".join(key.key.columns) + (" (in force)" if key.key.is_in_force else ""),
                *(f"{n:,}" for n in (key.groups, key.rows_to_remove, key.largest, key.blank)),
            )
    yield table
    for each in found:
        yield text_of("")
        yield from map(text_of, _sentences(each))


def _sentences(found: FoundTable) -> Iterator[str]:
    adoption = found.adoption
    yield f"{adoption.table.full_name}, {found.rows:,} rows, as '{adoption.contract}':"
    yield f"  Of each group stays {adoption.ranking.told or 'the smallest id'}."
    if adoption.merges:
        taken = ", ".join(merge.column for merge in adoption.merges)
        yield f"  It takes over from the others, where it has nothing itself: {taken}."
    for each in adoption.references:
        yield f"  References move to it: {each.full_name}."
    for told, count in found.breaks.items():
        yield f"  {count:,} rows break the contract: {told}."
    for key in found.keys:
        if key.examples:
            yield f"  The largest groups of ({', '.join(key.key.columns)}):"
        for values, many in key.examples:
            yield f"    {' | '.join(values)}: {many:,} rows"
        if not key.key.is_in_force:
            yield (
                "  Whoever inserts such a row from then on gets error 23505 (unique_violation),"
                f" constraint '{key.key.index}'."
            )


def write_plan(
    connection: psycopg.Connection, adoptions: Sequence[Adoption], out: BinaryIO
) -> None:
    """Write which rows would stay and go, as CSV: table, key, group, row, stays, kept_row, and how
    many references would move. By each key as the rows are now."""
    header = b"table,key,group,row,becomes,kept_row,references_moved\r\n"
    out.write(header)
    for adoption in adoptions:
        for key in adoption.keys:
            with connection.cursor().copy(_plan_statement(adoption, key)) as copy:
                for block in copy:
                    out.write(block)


def _plan_statement(adoption: Adoption, key: AdoptedKey) -> sql.Composed:
    table, pk = adoption.table, adoption.table.primary_key
    row = sql.SQL("concat_ws(' ', {})").format(listed("t", pk))
    counts = [
        sql.SQL("(SELECT count(*) FROM {} AS c WHERE ({}) = ({}))").format(
            each.child.identifier, listed("c", each.columns), listed("t", each.parent_columns)
        )
        for each in adoption.references
    ]
    moved = sql.SQL(" + ").join(counts) if counts else sql.SQL("0")
    return sql.SQL(
        "COPY (SELECT {name}, {key}, group_no, row, CASE place WHEN 1 THEN 'stays' ELSE 'goes' END,"
        " kept, CASE WHEN place > 1 THEN moved ELSE 0 END FROM ("
        " SELECT dense_rank() OVER (ORDER BY {columns}) AS group_no, {row} AS row,"
        " row_number() OVER by_rank AS place, first_value({row}) OVER by_rank AS kept,"
        " {moved} AS moved"
        " FROM {table} AS t JOIN (SELECT {columns} FROM {table} AS t WHERE {covers}"
        " GROUP BY {columns} HAVING count(*) > 1) AS g USING ({named}) WHERE {covers}"
        " WINDOW by_rank AS (PARTITION BY {columns} ORDER BY {order})"
        ") AS planned ORDER BY group_no, place) TO STDOUT (FORMAT csv)"
    ).format(
        name=sql.Literal(table.full_name),
        key=sql.Literal(", ".join(key.columns)),
        columns=listed("t", key.columns),
        named=sql.SQL(", ").join(map(sql.Identifier, key.columns)),
        row=row,
        moved=moved,
        table=table.identifier,
        covers=key.covers("t"),
        order=adoption.ranking.order,
    )


def applied_json(applied: Applied) -> str:
    """For scripts."""
    return json.dumps(
        {"keys": [key.to_json() for key in applied.keys], "locks": applied.locks.to_json()}
    )
