"""Work on the few odd rows of a column, and put them back.

In a large column nearly every cell is in order. An expression computes all of its branches for all
rows, so what is dear is computed on the odd rows alone.
"""

import polars as pl


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
