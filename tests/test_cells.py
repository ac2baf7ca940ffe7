"""Damaged cells: what is taken back, what is lost, and what is never invented."""

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts.issues import ISSUES
from transforms.cells import mend_cells, mend_text, neutralize, restore_neutral

BLANKS = ["NULL", "N/A", "-", "nan", "none"]

TEXT_AND_NUMBER = [
    (None, None, None),
    ("", None, None),
    (" \t\u00a0", None, None),
    ("null", None, None),
    (" N/A ", None, None),
    ("-", None, None),
    ("NaN", None, None),
    ('=""', None, None),
    ('="N/A"', None, None),
    ("banana", "banana", None),
    (" Jane ", "Jane", None),
    ('="0123"', "0123", "cell_excel_text"),
    ("'0123", "0123", "cell_excel_text"),
    ("''+14155552671", "+14155552671", "cell_excel_text"),
    ('\'="007"', "007", "cell_excel_text"),
    ("'s-Hertogenbosch", "'s-Hertogenbosch", None),
    ("'t Hooft", "'t Hooft", None),
    ("#REF!", None, "cell_excel_error"),
    ("#N/A", None, "cell_excel_error"),
    ("#DIV/0!", None, "cell_excel_error"),
    ("########", None, "cell_excel_error"),
    ("# 4", "# 4", None),
    ("#12", "#12", None),
    ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0", "cell_formula"),
    ("@SUM(1+1)", "@SUM(1+1)", "cell_formula"),
    ("-2+3+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "cell_formula"),
    ("+HYPERLINK(1)", "+HYPERLINK(1)", "cell_formula"),
    ("'=1+1", "=1+1", "cell_formula"),
    ('="a"&"b"', '="a"&"b"', "cell_formula"),
    ("@jane", "@jane", None),
    ("+1 (415) 555-2671", "+1 (415) 555-2671", None),
    ("-5", "-5", None),
    ("12E4", "12E4", None),
    ("1E5", "1E5", None),
    ("10.0.0.1", "10.0.0.1", None),
]
NUMBER = [
    ("6.28E+10", None, "cell_scientific"),
    ("6,28E+10", None, "cell_scientific"),
    ("6E+10", None, "cell_scientific"),
    ("4.15555267E9", None, "cell_scientific"),
    ("6E-05", None, "cell_scientific"),
    ("1.25E1", None, "cell_scientific"),
    ("4.155552671E9", "4155552671", "cell_scientific_expanded"),
    ("4.155552671E+09", "4155552671", "cell_scientific_expanded"),
    ("4.15555267100e9", "4155552671", "cell_scientific_expanded"),
    ("-1.5E1", "-15", "cell_scientific_expanded"),
    ("'4.155552671E9", "4155552671", "cell_scientific_expanded"),
    ("4155552671.0", "4155552671", "cell_decimal_tail"),
    ("+4155552671.00", "+4155552671", "cell_decimal_tail"),
    ('="4155552671.0"', "4155552671", "cell_decimal_tail"),
    ("4155552671.05", "4155552671.05", None),
    ("415.555.2670", "415.555.2670", None),
]


def mend(cell: str | None, *, is_number: bool) -> tuple[str | None, str | None]:
    row = mend_cells(pl.Series([cell], dtype=pl.String), BLANKS, is_number=is_number).row(0)
    return (row[0], row[1])


@pytest.mark.parametrize("is_number", [True, False])
@pytest.mark.parametrize(("cell", "value", "issue"), TEXT_AND_NUMBER)
def test_any_cell(cell: str | None, value: str | None, issue: str | None, is_number: bool) -> None:
    """Wrappings, errors, formulas and blanks are the same in every column."""
    assert mend(cell, is_number=is_number) == (value, issue)


@pytest.mark.parametrize(("cell", "value", "issue"), NUMBER)
def test_numbers(cell: str, value: str | None, issue: str) -> None:
    """A number is written out only where every digit is present."""
    assert mend(cell, is_number=True) == (value, issue)


@pytest.mark.parametrize("cell", ["6.28E+10", "4155552671.0", "4.155552671E9"])
def test_text_is_no_number(cell: str) -> None:
    """In a text column nothing is read as a damaged number."""
    assert mend(cell, is_number=False) == (cell, None)


def test_blanks_are_the_contracts() -> None:
    """A word is a blank only if the contract lists it; pattern signs in it mean themselves."""
    cells = pl.Series(["none", "n/a", "?", "..."])
    read = mend_cells(cells, ["?", "N/A"], is_number=False)["value"]
    assert read.to_list() == ["none", None, None, "..."]
    assert mend_cells(cells, [], is_number=False)["value"].to_list() == cells.to_list()


def test_every_code_has_its_sentence() -> None:
    """No issue reaches an analyst without an explanation."""
    assert {issue for *_, issue in TEXT_AND_NUMBER + NUMBER if issue} <= ISSUES.keys()


ODD = st.lists(
    st.text(st.sampled_from("0123.,eE+-='\"@#! \tNaREF!|(x＝\u00a0"), max_size=12), max_size=30
)


@given(ODD, st.booleans())
@settings(max_examples=300, deadline=None)
def test_idempotence(cells: list[str], is_number: bool) -> None:
    """A mended cell is its own mended form."""
    once = mend_cells(pl.Series(cells, dtype=pl.String), BLANKS, is_number=is_number)["value"]
    again = mend_cells(once, BLANKS, is_number=is_number)["value"]
    assert again.to_list() == once.to_list()


@given(ODD)
@settings(max_examples=200, deadline=None)
def test_short_cut_changes_nothing(cells: list[str]) -> None:
    """Picking out the odd cells first gives what the expression gives on all of them."""
    column = pl.Series("cell", cells, dtype=pl.String)
    whole = pl.DataFrame(column).select(mend_text(pl.col("cell"), BLANKS).alias("m")).unnest("m")
    assert mend_cells(column, BLANKS, is_number=False).equals(whole)


@given(st.from_regex(r"-?[0-9]{1,20}", fullmatch=True))
@settings(max_examples=200, deadline=None)
def test_no_digit_is_invented(number: str) -> None:
    """Whatever number of places it was written with, a number comes back whole or not at all."""
    written = [f"{Decimal(number):.{places}E}" for places in range(22)]
    read = mend_cells(pl.Series(written), BLANKS, is_number=True)
    assert set(read["value"].drop_nulls().cast(pl.Int128)) == {int(number)}
    assert read["issue"].is_not_null().all()


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+14155552671", "'+14155552671"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2+3", "'-2+3"),
        ("\t=1", "'\t=1"),
        ("＝1", "'＝1"),
        ("'=1", "''=1"),
        ("-5", "-5"),
        ("-5.25", "-5.25"),
        ("Jane", "Jane"),
        ("O'Brien", "O'Brien"),
        ("a=b", "a=b"),
        ("", ""),
        (None, None),
    ],
)
def test_neutralize(cell: str | None, safe: str | None) -> None:
    """What a spreadsheet might run gets an apostrophe; everything else is left alone."""
    assert pl.select(neutralize(pl.lit(cell, pl.String))).item() == safe


@given(ODD)
@example(["'\t0", "'\t='1", "'\t '\t '\t '1", "'\tx", "' 1", "'\t'x"])
@settings(max_examples=200, deadline=None)
def test_neutralized_cells_read_back(cells: list[str]) -> None:
    """A file written for people reads as what was written."""
    mended = mend_cells(pl.Series("cell", cells, dtype=pl.String), [], is_number=False)["value"]
    safe = pl.DataFrame({"cell": mended}).select(neutralize(pl.col("cell"))).to_series()
    assert not safe.str.contains(r"^[=+@＝]").any()
    assert mend_cells(safe, [], is_number=False)["value"].to_list() == mended.to_list()


@given(ODD)
@example(["'\t=1", "'-5", "-5", "''-5", "+1 415", "'+1", "'s-Hertogenbosch"])
@settings(max_examples=200, deadline=None)
def test_neutralizing_is_taken_back_to_the_letter(cells: list[str]) -> None:
    """A reject that is dropped again is, where nobody corrected it, what it was."""
    frame = pl.DataFrame({"cell": pl.Series(cells, dtype=pl.String)})
    safe = frame.select(neutralize(pl.col("cell")).alias("cell"))
    assert safe.select(restore_neutral(pl.col("cell")).alias("cell")).equals(frame)
