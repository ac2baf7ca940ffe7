"""Normalised rows -> accepted rows and rejects, as the Pandera contract decides."""

from typing import NamedTuple

import pandera.errors
import polars as pl

from contracts.issues import ISSUES
from contracts.people import StagedPerson


class Admitted(NamedTuple):
    """What the contract made of a chunk.

    Attributes:
        accepted: The rows that meet it.
        rejected: ``line_no`` and ``code`` of those that do not; one row per line, the first code.
    """

    accepted: pl.DataFrame
    rejected: pl.DataFrame


def admit(rows: pl.DataFrame) -> Admitted:
    """Check rows against ``StagedPerson``.

    Args:
        rows: Rows of ``transforms.normalize.normalize``, a collected frame: Pandera checks
            only the schema of a lazy one.

    Raises:
        AssertionError: The rows break the contract in a way that no data can cause.
    """
    try:
        StagedPerson.validate(rows, lazy=True)
    except pandera.errors.SchemaErrors as error:
        failures = error.failure_cases.select("index", "check")
    else:
        return Admitted(rows, pl.DataFrame(schema={"line_no": pl.Int64, "code": pl.String}))
    ours = failures.filter(pl.col("index").is_null() | ~pl.col("check").is_in(list(ISSUES)))
    if len(ours):
        checks = sorted(set(ours["check"].to_list()))
        raise AssertionError(f"staged rows break their contract, which is our fault: {checks}")
    numbered = rows.with_row_index("index").with_columns(
        pl.col("index").cast(failures["index"].dtype)
    )
    codes = failures.unique("index", keep="first", maintain_order=True)
    rejected = numbered.join(codes, on="index", how="inner", maintain_order="left")
    accepted = numbered.join(codes, on="index", how="anti", maintain_order="left")
    return Admitted(accepted.drop("index"), rejected.select("line_no", code="check"))
