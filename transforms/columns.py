"""Work on the few odd rows of a column, or on its few values, and put the result back.

In a large column nearly every cell is in order. An expression computes all of its branches for all
rows, so what is dear is computed on the odd rows alone. And many a column (countries, states, yes
and no) says the same few things again and again, which need to be read once each.
"""

from collections.abc import Callable

import polars as pl

_SAMPLE_ROWS = 1000


def by_value(values: pl.Series, read: Callable[[pl.Series], pl.DataFrame]) -> pl.DataFrame:
    """What ``read`` makes of a column, with each value read once where most of them come again.

    Args:
        values: The column.
        read: Gives one row for each cell, by the cell alone.
    """
    sample = values.head(_SAMPLE_ROWS)
    # Where most values differ, finding them again costs more than reading them.
    if sample.n_unique() * 2 > sample.len():
        return read(values)
    distinct = values.unique()
    table = read(distinct).with_columns(distinct.alias("_value"))
    return (
        pl.DataFrame({"_value": values})
        .join(table, on="_value", how="left", nulls_equal=True, maintain_order="left")
        .drop("_value")
    )


def is_beyond_ascii(texts: pl.Series) -> pl.Series:
    """Which texts have letters beyond ASCII, at a tenth of the cost of looking for them."""
    return (texts.str.len_bytes() != texts.str.len_chars()).fill_null(value=False)


def compute(expr: pl.Expr) -> pl.Series:
    """The column that an expression over literals gives."""
    return pl.select(expr).to_series()


def put(values: pl.Series, mask: pl.Series, changed: pl.Series) -> pl.Series:
    """Values with the rows under the mask replaced, without copying the text of the others.

    `when/then` rebuilds every text of the column; `scatter` writes into shared memory.

    Args:
        values: The column.
        mask: Which rows are replaced. No nulls.
        changed: As many rows as are under the mask, in order.
    """
    if changed.is_empty():
        return values
    if changed.len() == values.len():
        return changed.rename(values.name)
    row = pl.int_range(values.len(), eager=True, dtype=pl.UInt32)
    end = pl.int_range(values.len(), values.len() + changed.len(), eager=True, dtype=pl.UInt32)
    both = pl.concat([values, changed.rename(values.name)], rechunk=False)
    return both.gather(row.scatter(mask.arg_true(), end))


def put_text(values: pl.Series, mask: pl.Series, text: str | None) -> pl.Series:
    """Values with one text, or null, in every row under the mask."""
    rows = int(mask.sum())
    return put(values, mask, pl.repeat(text, rows, dtype=pl.String, eager=True))


def spread(changed: pl.Series, mask: pl.Series) -> pl.Series:
    """Put rows back where the mask, from which they were filtered, is true; null elsewhere."""
    position = compute(pl.when(pl.lit(mask)).then(pl.lit(mask.cum_sum() - 1)))
    # The null at the end keeps `gather` within bounds when nothing is under the mask.
    return changed.extend_constant(None, 1).gather(position).alias(changed.name)


def nulls(rows: int) -> pl.Series:
    """A text column of nulls."""
    return pl.repeat(None, rows, dtype=pl.String, eager=True)
