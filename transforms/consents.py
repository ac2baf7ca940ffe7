"""Consent columns -> the channels that a person opted out of."""

from collections.abc import Collection, Sequence

import polars as pl

from contracts.source import ConsentRule
from transforms.cells import mend_cells

_LISTS = pl.List(pl.String)


def read_consents(
    cells: pl.Series, rules: Sequence[ConsentRule], blanks: Collection[str]
) -> pl.DataFrame:
    """Read what the consent columns of each row say.

    Blank says nothing. A word that the contract does not know counts as opted out: to write to
    somebody who did not want it is worse than not to write.

    Args:
        cells: Lists of ``consents`` as ``transforms.conform`` makes them: number of the rule,
            ``\\x1f``, the cell's text.
        rules: The contract's.
        blanks: What counts as nothing, in any case.

    Returns:
        Row for row ``opt_outs`` (channels, sorted, each once), ``issue`` (consent_unknown) and
        ``raw``, the text that is not known, as it came.
    """
    rows = pl.DataFrame({"row": range(len(cells)), "cells": cells})
    long = rows.explode("cells", empty_as_null=False).drop_nulls()
    parts = long["cells"].str.split_exact("\x1f", 1).struct.unnest()
    number, raw = parts.to_series(0).cast(pl.Int64), parts.to_series(1)
    mended = mend_cells(raw, blanks, is_number=True)["value"]
    word = mended.str.strip_chars_start("'").str.to_lowercase()
    said = long.select("row").with_columns(number=number, raw=raw, word=word).drop_nulls("word")
    is_yes, is_no, is_out = (pl.lit(value=False) for _ in range(3))
    channel = pl.lit(None, pl.String)
    for at, rule in enumerate(rules):
        mine = pl.col("number") == at
        yes = pl.lit(value=True) if "*" in rule.yes else pl.col("word").is_in(_lower(rule.yes))
        no = pl.col("word").is_in(_lower(rule.no)) & ~yes
        is_yes, is_no = is_yes | (mine & yes), is_no | (mine & no)
        is_out = is_out | (mine & (yes if rule.says == "opt_out" else no))
        channel = pl.when(mine).then(pl.lit(rule.channel)).otherwise(channel)
    read = said.with_columns(channel=channel, is_unknown=~(is_yes | is_no)).with_columns(
        is_out=is_out | pl.col("is_unknown")
    )
    found = read.group_by("row", maintain_order=True).agg(
        opt_outs=pl.col("channel").filter("is_out").unique().sort(),
        raw=pl.col("raw").filter("is_unknown").first(),
    )
    return rows.join(found, on="row", how="left", maintain_order="left").select(
        pl.col("opt_outs").fill_null(pl.lit([], _LISTS)),
        pl.when(pl.col("raw").is_not_null()).then(pl.lit("consent_unknown")).alias("issue"),
        "raw",
    )


def _lower(words: Sequence[str]) -> list[str]:
    return [word.lower() for word in words]
