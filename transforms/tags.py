"""Cells that hold tags -> the tags of a row."""

from collections.abc import Collection

import polars as pl

from transforms.cells import is_blank

# Mailchimp writes `"VIP","Spring"` into one cell, Google Contacts `Friends ::: Suppliers`.
_TAG = r'\s*"[^"]*"\s*|[^,;|]+'
_QUOTED = r'^"([^"]*)"$'


def list_tags(cells: pl.DataFrame, blanks: Collection[str]) -> pl.DataFrame:
    """Split cells into tags, and give each row its tags once.

    Between tags stands a comma, semicolon, bar or ``:::``; a tag in double quotes is taken whole,
    without them. The case of letters makes no other tag: the first spelling is kept. The order is
    that of the small letters, then of the text. Tags of ``list_tags`` are their own tags.

    Args:
        cells: ``line_no`` and ``text``, any number of cells per row, in the order of the contract.
        blanks: What counts as no tag, in any case.

    Returns:
        ``line_no`` and ``tags`` (list of text), of the rows that have any.
    """
    text = pl.col("text").str.replace_all(":::", ",", literal=True)
    return (
        cells.select("line_no", tag=text.str.extract_all(_TAG))
        .explode("tag", empty_as_null=False)
        .with_columns(pl.col("tag").str.strip_chars().str.replace(_QUOTED, "${1}"))
        .with_columns(pl.col("tag").str.strip_chars())
        .filter(~is_blank(pl.col("tag"), blanks) & (pl.col("tag") != ""))
        .with_columns(key=pl.col("tag").str.to_lowercase())
        .unique(["line_no", "key"], keep="first", maintain_order=True)
        .sort("line_no", "key", "tag")
        .group_by("line_no", maintain_order=True)
        .agg(tags="tag")
    )
