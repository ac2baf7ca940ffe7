"""Columns that say whether the source deleted a record -> yes or no."""

from collections.abc import Collection

import polars as pl

from contracts.source_rules import DeletedRule
from transforms.cells import mend_cells


def read_deleted(cells: pl.Series, rule: DeletedRule | None, blanks: Collection[str]) -> pl.Series:
    """Whether any of a row's cells says that the record was deleted.

    Blank and words that the rule does not name say that it was not: to end a person who is there
    is worse than to keep one who is gone.

    Args:
        cells: Lists of ``deleted`` as ``transforms.conform`` makes them.
        rule: The contract's; none: nothing is deleted.
        blanks: What counts as nothing, in any case.

    Returns:
        Row for row ``is_deleted``, never null.
    """
    rows = pl.DataFrame({"row": range(len(cells)), "cell": cells})
    if rule is None:
        return rows.select(is_deleted=pl.repeat(value=False, n=pl.len())).to_series()
    long = rows.explode("cell", empty_as_null=False)
    mended = mend_cells(long["cell"], blanks, is_number=True)["value"]
    word = mended.str.strip_chars_start("'").str.to_lowercase()
    words = [yes.lower() for yes in rule.yes]
    is_yes = word.is_not_null() if "*" in words else word.is_in(words).fill_null(value=False)
    deleted = long.filter(is_yes)["row"]
    return rows.select(is_deleted=pl.col("row").is_in(deleted.implode())).to_series()
