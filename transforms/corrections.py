"""Corrected rejects: the columns that tell what each row mends, and the rows without them."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from contracts.errors import CorrectionError
from transforms.cells import restore_neutral
from transforms.conform import POSITION
from transforms.relations import Work, query

IMPORT, LINE, REASON = MARKS = ("_leadfold_import", "_leadfold_line", "_leadfold_reason")
"""Columns of a file of rejects that are no data."""

# As a file of rejects begins each row; a spreadsheet may have put quotes or other delimiters.
_BEGINNING = r'^"?(import_[0-9A-Z]{26})"?[,;\t|]"?(\d{1,18})'


class Corrected(NamedTuple):
    """Some rows of a correction.

    Attributes:
        rows: Without the marks, every cell as it stood in the file that is corrected.
        marks: Columns of the work table ``corrected_lines``.
    """

    rows: pl.DataFrame
    marks: pl.DataFrame


def is_correction(columns: Sequence[str], name: str) -> bool:
    """Whether a file brings rejected rows again.

    Raises:
        CorrectionError: Only some of the columns that say so are left.
    """
    found = [mark for mark in (IMPORT, LINE) if mark in columns]
    if len(found) == 1:
        raise CorrectionError(
            f"{name}: there is a column '{found[0]}', but no column"
            f" '{LINE if found[0] == IMPORT else IMPORT}'.\n"
            "Get the file of rejects again (leadfold rejects IMPORT --csv FILE), and leave the"
            " columns that begin with _leadfold as they are."
        )
    return bool(found)


def own_columns(columns: Sequence[str]) -> tuple[str, ...]:
    """The columns that are data."""
    return tuple(name for name in columns if name not in MARKS)


def restore_names(columns: Sequence[str]) -> dict[str, str]:
    """The columns of a correction that are data, and their names in the corrected file."""
    names = own_columns(columns)
    frame = pl.DataFrame({"name": pl.Series(names, dtype=pl.String)})
    bare = frame.select(restore_neutral(pl.col("name")))["name"].to_list()
    return dict(zip(names, bare if len(set(bare)) == len(bare) else names, strict=True))


def take_marks(rows: pl.DataFrame) -> Corrected:
    """Part a chunk of a correction into data and marks.

    A correction is a CSV that a spreadsheet may have opened: what ``transforms.cells.neutralize``
    did to its cells is taken back, so that they are those of the file that is corrected.
    """
    marks = rows.select(
        "line_no",
        corrects_import=_filled(pl.col(IMPORT)),
        # 12.0 is what some spreadsheets make of 12.
        corrects_line=_filled(pl.col(LINE)).str.replace(r"\.0+$", "").cast(pl.Int64, strict=False),
    )
    names = restore_names([name for name in rows.columns if name not in POSITION])
    # By their places: a header may look like a pattern.
    cells = {
        bare: pl.select(restore_neutral(pl.lit(rows[name]))).to_series()
        for name, bare in names.items()
    }
    return Corrected(pl.DataFrame({**{name: rows[name] for name in POSITION}, **cells}), marks)


def read_marks(rejects: pl.DataFrame) -> pl.DataFrame:
    """The marks of records that reading could not part into cells, as ``take_marks`` gives them."""
    texts = [raw.decode("utf-8", "replace") for raw in rejects["raw"]]
    found = pl.Series(texts, dtype=pl.String).str.strip_chars("\ufeff ")
    return pl.DataFrame(
        {
            "line_no": rejects["line_no"],
            "corrects_import": found.str.extract(_BEGINNING, 1),
            "corrects_line": found.str.extract(_BEGINNING, 2).cast(pl.Int64),
        }
    ).drop_nulls()


def check_marks(work: Work, corrects: str, name: str) -> None:
    """See that all rows of a correction are of one import; a row that says nothing is, too.

    Raises:
        CorrectionError: They are not.
    """
    others = query(
        work,
        "select line_no, corrects_import from corrected_lines"
        " where corrects_import <> $corrects order by line_no limit 1",
        corrects=corrects,
    )
    if len(others):
        line_no, other = others.row(0)
        raise CorrectionError(
            f"{name}: it holds rejected rows of several imports: {corrects}, and in line"
            f" {line_no:,} {other}.\nPut the rows of each import into a file of their own."
        )


def _filled(text: pl.Expr) -> pl.Expr:
    bare = text.str.strip_chars()
    return pl.when(bare != "").then(bare)
