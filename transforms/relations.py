"""Runs the DuckDB statements of ``transforms/sql`` on one import's work database."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib import resources
from typing import Any

import duckdb
import polars as pl

from contracts.people import (
    EDITED_OF_LEAD,
    EDITED_TEXTS,
    GOLDEN,
    GOLDEN_TEXTS,
    PLACED,
    STATED,
    TEXTS,
)

Work = duckdb.DuckDBPyConnection
"""A connection to the work database of one import. Tables are what the steps hand on."""


CHUNK_ROWS = 50_000
"""As many rows as are taken out of a work database at a time."""

STRETCH_ROWS = 1_000_000
"""As many are grouped, joined or sorted at a time, so that this fits into memory of files of 5M
rows, too. What is not looked at meanwhile goes out to disk."""


def list_stretches(count: int, rows: int = 0) -> list[tuple[int, int]]:
    """The first and the last number of each stretch of what is numbered from 0; one at least."""
    rows = rows or STRETCH_ROWS
    return [(end - rows, end - 1) for end in range(rows, max(count, 1) + rows, rows)]


def _pivot(value: str, names: Iterable[str]) -> list[str]:
    """Columns of a long table of fields.

    For each aggregate with a ``filter`` DuckDB allocates all of its inputs once more: 26 of them
    take 1.6 times as long so, of ten rows as of four million.
    """
    return [f"max(case field when '{name}' then {value} end) as {name}" for name in names]


def _clocks_of_older(names: Iterable[str]) -> list[str]:
    """What field_clocks says of those fields that only the older of two statements states."""
    return [
        f"case when newer.{name} is null and older.{name} is not null"
        f""" then '"{name}":' || clock_text(older.clock) end"""
        for name in sorted(names)
    ]


def _pack(names: Iterable[str], table: str = "") -> list[str]:
    """Fields of a struct."""
    return [f"{name} := {table}{name}" for name in names]


_LISTS = {
    "{texts}": TEXTS,
    "{golden_texts}": GOLDEN_TEXTS,
    "{golden}": GOLDEN,
    "{placed}": PLACED,
    "{stated}": STATED,
    "{edited_of_lead}": EDITED_OF_LEAD,
    "{kept_edited_texts}": [
        f"keep_edited(stored.edited_fields, '{name}', stored.{name}, said.{name}) as {name}"
        for name in EDITED_TEXTS
    ],
    "{hand_texts}": [
        f"case when map_contains(texts_of(edited_fields), '{name}') then {name} end as {name}"
        for name in EDITED_OF_LEAD
    ],
    "{stored_golden_texts}": [f"stored.{name}" for name in GOLDEN_TEXTS],
    "{paired_texts}": [
        f"coalesce(newer.{name}, older.{name}) as {name}" for name in ("crm_id", *TEXTS)
    ],
    "{older_clocks}": _clocks_of_older(("crm_id", *TEXTS, "phones", "emails", "tags")),
    "{texts_differ}": [f"said.{name} is distinct from stored.{name}" for name in TEXTS],
    "{packed_texts}": _pack(TEXTS),
    "{packed_stored_golden_texts}": _pack(GOLDEN_TEXTS, "stored."),
    "{folded_texts}": _pivot("best.value", ("crm_id", *TEXTS)),
    "{won_ids}": _pivot("value", ("crm_id", "phone", "email")),
    "{won_texts}": _pivot("value", (*GOLDEN_TEXTS, "tags")),
    "{won_or_single}": [f"coalesce(won.{name}, single.{name}) as {name}" for name in GOLDEN_TEXTS],
}

# To cut keys into stretches, none of which is much longer than another.
_SAMPLED_KEYS = 20_000

_PARSED: dict[str, list[duckdb.Statement]] = {}

Parameter = str | int | float | list[str] | None


@cache
def statement(name: str) -> str:
    """The text of ``transforms/sql/<name>.sql``, its lists of fields filled in.

    ``{texts}`` stands for the texts of a lead, ``{golden_texts}`` for those of a persona,
    ``{stated}`` for all that one statement says; the others are made from these above.
    """
    text = (resources.files("transforms") / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    for marker, fields in _LISTS.items():
        text = text.replace(marker, ", ".join(fields))
    return text


def run(work: Work, name: str, **parameters: Parameter) -> None:
    """Run a statement file; its parameters are those that it names with ``$``."""
    execute(work, statement(name), **parameters)


def execute(work: Work, sql: str, **parameters: Parameter) -> None:
    """Run statements whose text is the same in every import: statement files, and short ones.

    Parsing is a fifth of what a small import costs in DuckDB, so it is done once a process. A text
    with values in it would be kept as long, and one that names a frame of the caller's cannot be
    run so. Of several statements each names all of the parameters.
    """
    if sql not in _PARSED:
        _PARSED[sql] = work.extract_statements(sql)
    for each in _PARSED[sql]:
        work.execute(each, parameters or None).fetchall()


def settle(work: Work) -> None:
    """Write to disk what tables that are on disk still have in memory; those in memory stay there.

    Of 20M rows golden records were made within 600 MB after it (docs/speed.md).
    """
    if is_on_disk(work):
        work.execute("checkpoint").fetchall()


def is_on_disk(work: Work) -> bool:
    """Whether the tables of a work database are on disk from the start, as those of large files."""
    on_disk = "select count(*) from duckdb_databases() where path is not null"
    return bool(ask_value(work, on_disk))


def ask(work: Work, sql: str, **parameters: Parameter) -> list[tuple[Any, ...]]:
    """The rows of a query, for answers of a few rows: at half the cost of a frame."""
    return work.execute(sql, parameters or None).fetchall()


def ask_value(work: Work, sql: str, **parameters: Parameter) -> Any:
    """The only value of a query that answers one."""
    ((value,),) = ask(work, sql, **parameters)
    return value


def query(work: Work, sql: str, **parameters: Parameter) -> pl.DataFrame:
    """The whole answer of a query as a frame, for answers that fit into memory."""
    frame: pl.DataFrame = work.sql(sql, params=parameters or None).pl()
    return frame


def stream(
    work: Work, sql: str, chunk_rows: int, **parameters: Parameter
) -> Iterator[pl.DataFrame]:
    """The answer of a query in chunks, on a cursor of its own."""
    with work.cursor() as cursor:
        reader = cursor.sql(sql, params=parameters or None).to_arrow_reader(chunk_rows)
        for batch in reader:
            frame = pl.from_arrow(batch)
            assert isinstance(frame, pl.DataFrame)
            yield frame


def stream_by_line(work: Work, sql: str, lines: str, chunk_rows: int) -> Iterator[pl.DataFrame]:
    """The answer of a query in chunks, each a stretch of the file, without sorting anything.

    Texts stand in the order of their lines already. So only their numbers are counted off, and
    each stretch is asked for by itself, however large the file is. Within one, rows may come in
    another order.

    Args:
        work: The work database.
        sql: A query that ends in a condition, to which ``line_no between ..`` can be added.
        lines: A table whose ``line_no`` are those that the query finds.
        chunk_rows: As many lines a chunk.
    """
    counted = f"(row_number() over (order by line_no) - 1) // {chunk_rows} as stretch"
    numbered = f"(select line_no, {counted} from {lines})"  # noqa: S608
    stretches = f"select min(line_no), max(line_no) from {numbered} group by stretch order by all"  # noqa: S608
    # On a cursor: the thread that takes ahead must not keep the connection busy.
    with work.cursor() as cursor:
        for first, last in ask(cursor, stretches):
            between = f"{sql} and line_no between $first and $last"
            yield query(cursor, between, first=first, last=last)


def stream_sorted(
    work: Work,
    sql: str,
    order: Sequence[str],
    chunk_rows: int,
    *,
    count: int,
    stretch_rows: int = 0,
) -> Iterator[pl.DataFrame]:
    """The answer of a query in chunks, sorted, a stretch of its keys at a time.

    Args:
        work: The work database.
        sql: A query that ends in a condition.
        order: The columns by which it is sorted, none of them null.
        chunk_rows: As many rows a chunk.
        count: How many rows it answers.
        stretch_rows: About as many are sorted at a time; 0: ``STRETCH_ROWS``.
    """
    key, names = order[:2], ", ".join(order)
    wanted = len(list_stretches(count, stretch_rows))
    drawn = f"select {', '.join(key)} from ({sql}) using sample {_SAMPLED_KEYS} rows"  # noqa: S608
    sample = sorted(ask(work, drawn)) if wanted > 1 else []
    starts = sorted({sample[len(sample) * each // wanted] for each in range(1, wanted)})
    for start, end in zip([None, *starts], [*starts, None], strict=True):
        between, used = sql, dict[str, Parameter]()
        for prefix, bound in (("from", start), ("to", end)):
            if bound:
                is_at_least = _at_least(key, prefix)
                between += f" and {is_at_least if bound is start else f'not ({is_at_least})'}"
                used |= {f"{prefix}_{name}": each for name, each in zip(key, bound, strict=True)}
        yield from stream(work, f"{between} order by {names}", chunk_rows, **used)


def _at_least(key: Sequence[str], prefix: str) -> str:
    """Whether a key of one or two columns is a bound or behind it; DuckDB compares no tuples."""
    first, *rest = (f"{name} {{}} ${prefix}_{name}" for name in key)
    if not rest:
        return first.format(">=")
    return f"({first.format('>')} or {first.format('=')} and {rest[0].format('>=')})"


@contextmanager
def at_once(work: Work) -> Iterator[None]:
    """What is added to tables meanwhile is added in one transaction, at half the cost.

    Only this connection sees it before the end: ``query`` does, ``stream`` does not.
    """
    work.begin()
    try:
        yield
    except BaseException:
        # It may be what went wrong, and then there is nothing to take back.
        with suppress(duckdb.Error):
            work.rollback()
        raise
    work.commit()


def append(work: Work, table: str, frame: pl.DataFrame) -> None:
    """Add rows to a table, column by name."""
    if len(frame):
        work.table(table)  # fails on an unknown table before its name reaches a statement
        # By the name of the variable: what is registered is held until the transaction ends.
        work.execute(f'insert into "{table}" by name select * from frame').fetchall()  # noqa: S608
