"""Cells that hold a contract's clear token -> the fields that a row empties."""

import re
from collections.abc import Collection

import polars as pl

from contracts.people import CLEARABLE, FIELDS, LIST_KINDS
from contracts.source import Source
from transforms.cells import is_blank, unwrap

# A full name is taken apart where no field holds a part of it (transforms.names). So an emptied one
# empties the parts that it may have filled.
_READ_FROM_FULL_NAME = ("first_name", "middle_name", "last_name", "honorific", "suffix")


def list_cleared(conformed: pl.DataFrame, rows: pl.DataFrame, source: Source) -> pl.Series:
    """The fields that each row empties: its cell is a clear token, and nothing else fills them.

    A list field (phones, emails, tags) is emptied only by a row of which no other cell says
    anything of it, be it readable or not. A full name takes along its parts, where the row has
    none.

    Args:
        conformed: Rows of ``transforms.conform.conform``.
        rows: The same rows in comparable form.
        source: Their contract.

    Returns:
        Row for row ``cleared``: names of fields, sorted, never null.
    """
    if not source.clear:
        return pl.select(cleared=pl.repeat([], len(rows), dtype=pl.List(pl.String))).to_series()
    emptied = {name: _is_emptied(name, source) for name in CLEARABLE}
    said = conformed.select(expr.fill_null(value=False).alias(n) for n, expr in emptied.items())
    # What was read from another cell of the row stands: a first name from the full name.
    said = said.with_columns(
        pl.col(name) & pl.lit(_is_empty(rows[name])) for name in CLEARABLE
    ).with_columns(
        pl.col(name)
        | (pl.col("full_name") & pl.lit(_has_no_part(rows)) & pl.lit(rows[name].is_null()))
        for name in _READ_FROM_FULL_NAME
    )
    names = [pl.when(name).then(pl.lit(name)) for name in sorted(CLEARABLE)]
    return said.select(cleared=pl.concat_list(names).list.drop_nulls()).to_series()


def is_token(text: pl.Expr, tokens: Collection[str]) -> pl.Expr:
    """Whether a cell is one of some tokens, in any case and in a spreadsheet's wrapping.

    Null stays null.
    """
    if not tokens:
        return pl.lit(value=False)
    words = "|".join(re.escape(token.strip()) for token in sorted(tokens))
    trimmed = text.str.strip_chars()
    pattern = rf"(?i)^(?:{words})$"
    return trimmed.str.contains(pattern) | unwrap(trimmed).str.contains(pattern)


def _is_emptied(name: str, source: Source) -> pl.Expr:
    cell = pl.col(name)
    if FIELDS[name].kind not in LIST_KINDS:
        return is_token(cell, source.clear)
    tokens = cell.list.eval(is_token(pl.element(), source.clear))
    silent = cell.list.eval(
        is_token(pl.element(), source.clear) | is_blank(pl.element(), source.blanks)
    )
    return tokens.list.any() & silent.list.all()


def _is_empty(values: pl.Series) -> pl.Series:
    return values.list.len() == 0 if values.dtype == pl.List else values.is_null()


def _has_no_part(rows: pl.DataFrame) -> pl.Series:
    return rows.select(pl.all_horizontal(pl.col(_READ_FROM_FULL_NAME[:3]).is_null())).to_series()
