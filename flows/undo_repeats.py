"""Which imports repeated what an undo takes back: it is theirs from then on."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import polars as pl
import psycopg
from psycopg import sql

from flows.ledger import Import


def find_repeats(
    connection: psycopg.Connection,
    base: Import,
    open_: pl.DataFrame,
    column: Literal["repeated", "repeated_rows"],
) -> Iterator[pl.DataFrame]:
    """By which later imports statements were repeated, up to the first that is not undone.

    One that is undone itself says it, too: when its own undo is undone, it counts again.

    Args:
        connection: Where to ask.
        base: The import that is undone.
        open_: Its statements, each with its ``digest``.
        column: What of the ledger has the digests: of leads, only the same logical file can
            repeat one; a row of a keyed table stands in any.

    Yields:
        Of each import the statements that it repeated, and ``import_id``, ``seq`` and
        ``is_active``.
    """
    names = {"repeated": sql.Identifier(column)}
    same_file = sql.SQL("AND source_file = {}").format(sql.Literal(base.source_file))
    later = connection.execute(
        sql.SQL(
            "SELECT import_id, commit_no, undone_by_import_id IS NULL FROM imports"
            " WHERE team_id = %s AND commit_no > %s AND {repeated} IS NOT NULL {same_file}"
            " ORDER BY commit_no"
        ).format(same_file=same_file if column == "repeated" else sql.SQL(""), **names),
        [base.team_id, base.commit_no],
    ).fetchall()
    for import_id, commit_no, is_active in later:
        if not len(open_):
            return
        (repeated,) = connection.execute(
            sql.SQL("SELECT {repeated} FROM imports WHERE import_id = %s").format(**names),
            [import_id],
            binary=True,
        ).fetchone() or (b"",)
        known = pl.Series(np.frombuffer(repeated, dtype=np.int64))
        is_repeated = open_["digest"].is_in(known.implode())
        yield open_.filter(is_repeated).with_columns(
            import_id=pl.lit(import_id),
            seq=pl.lit(commit_no, dtype=pl.Int64),
            is_active=pl.lit(is_active),
        )
        if is_active:
            open_ = open_.filter(~is_repeated)
