"""Ids of records, as a spreadsheet or a CRM writes them."""

import polars as pl

from contracts.source import Source
from transforms.cells import mend_cells
from transforms.columns import compute, put


def mend_id(text: pl.Expr, source: Source) -> pl.Expr:
    """An id without what a spreadsheet did to it; null where it says 'nothing'."""
    # As a column, not as an expression, which would compute all repairs for all rows. Named, for
    # Polars takes the name of a series, here a header (``^id$``), for a pattern.
    value = text.alias("id").map_batches(
        lambda ids: mend_cells(ids, source.valueless, is_number=True)["value"],
        return_dtype=pl.String,
        is_elementwise=True,
    )
    return extend_salesforce_id(value) if source.id_form == "salesforce" else value


def extend_salesforce_id(value: pl.Expr) -> pl.Expr:
    """The 18-character form of a 15-character id, which Excel can compare without case.

    Three more characters tell which of the others are capitals, five by five, as bits of a
    number from A to 5 (Salesforce, "Convert 15 character IDs to 18 character IDs").
    """
    return value.map_batches(_extend_short, return_dtype=pl.String, is_elementwise=True)


def _extend_short(ids: pl.Series) -> pl.Series:
    is_short = ids.str.contains("^[0-9A-Za-z]{15}$").fill_null(value=False)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    short = pl.lit(ids.filter(is_short))
    checks = []
    for start in (0, 5, 10):
        bits = [
            short.str.slice(start + place, 1).str.contains("[A-Z]").cast(pl.UInt8) * (1 << place)
            for place in range(5)
        ]
        checks.append(
            pl.sum_horizontal(bits).replace_strict(list(range(32)), list(alphabet), default=None)
        )
    return put(ids, is_short, compute(pl.concat_str(short, *checks)))
