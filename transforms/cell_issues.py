"""Damaged cells, as rows: what was found in which field of which line."""

import polars as pl

from contracts.issues import ISSUES

ISSUE_SCHEMA = {
    "line_no": pl.Int64,
    "severity": pl.String,
    "code": pl.String,
    "field": pl.String,
    "message": pl.String,
    "raw": pl.String,
}
"""One row per damaged cell: the cell's text as it came; ``message`` where there is more to say
than the code's sentence."""


def note_cells(
    issues: list[pl.DataFrame],
    lines: pl.Series,
    field: str,
    raw: pl.Series,
    codes: pl.Series,
    hints: pl.Series | None = None,
) -> None:
    """Add the rows of a column that have a code."""
    if codes.null_count() == len(codes):
        return
    hint = pl.lit(None, pl.String) if hints is None else pl.lit(hints)
    sentence = pl.col("code").replace_strict(
        {code: issue.sentence for code, issue in ISSUES.items()}, default=None
    )
    found = pl.DataFrame({"line_no": lines, "code": codes, "raw": raw}).with_columns(hint=hint)
    issues.append(
        found.filter(pl.col("code").is_not_null()).select(
            pl.col("line_no").cast(pl.Int64),
            severity=pl.lit("issue"),
            code="code",
            field=pl.lit(field),
            message=pl.when(pl.col("hint").is_not_null()).then(sentence + " " + pl.col("hint")),
            raw="raw",
        )
    )
