"""Workbooks and Parquet: cells as people see them in Excel, rows by their number."""

import datetime as dt
import io
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from contracts.errors import UnreadableFileError
from flows.reading import ReadingHints
from tests.files import read_bytes


def _workbook(rows: list[list[object]], *, first: tuple[int, int] = (0, 0)) -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    formats = {
        dt.date: book.add_format({"num_format": "d mmm yyyy"}),
        dt.datetime: book.add_format({"num_format": "m/d/yy h:mm"}),
        dt.time: book.add_format({"num_format": "h:mm"}),
    }
    zip_code = book.add_format({"num_format": "00000"})
    sheet = book.add_worksheet("Leads")
    for at, row in enumerate(rows, start=first[0]):
        for column, value in enumerate(row, start=first[1]):
            if isinstance(value, tuple):
                sheet.write_number(at, column, value[0], zip_code)
            elif isinstance(value, str) and value.startswith("="):
                sheet.write_formula(at, column, value, None, "#REF!")
            else:
                sheet.write(at, column, value, formats.get(type(value)))
    book.add_worksheet("Empty")
    book.close()
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4155552671, "4155552671"),
        (6285551234567890, "6285551234567890"),
        (60123456789.0, "60123456789"),
        ("628555123456789012345", "628555123456789012345"),
        ("007", "007"),
        (1.5, "1.5"),
        (0.1, "0.1"),
        (dt.date(2026, 5, 1), "2026-05-01"),
        (dt.datetime(2026, 5, 1, 13, 4, 5), "2026-05-01 13:04:05"),
        (dt.time(13, 4, 5), "13:04:05"),
        ((501,), "00501"),
        (True, "true"),
        (None, ""),
        ("a\nb", "a\nb"),
        (" x ", " x "),
    ],
)
def test_cells(value: object, text: str) -> None:
    """A cell is the text that Excel shows, as far as that is sensible for data."""
    found = read_bytes(_workbook([["id", "value"], ["k", value]]))
    assert found.rows == [(2, "k", text)]


def test_rows_are_the_sheets() -> None:
    """Row numbers are the sheet's, also when the table does not begin in A1; blanks are skipped."""
    rows: list[list[object]] = [
        ["Leads of May", None, None],
        [],
        ["id", "name", "zip"],
        [1, "Ann", (501,)],
        [],
        [2, "Bob", 90210],
        ["Total", None, 2],
        ["This list is confidential", None, None],
    ]
    found = read_bytes(_workbook(rows, first=(2, 1)))
    assert found.layout.columns == ("id", "name", "zip")
    assert (found.layout.header_line, found.layout.sheet) == (5, "Leads")
    assert found.rows == [(6, "1", "Ann", "00501"), (8, "2", "Bob", "90210")]
    assert found.rejects == [(9, "not_a_record"), (10, "not_a_record")]


def test_cell_beyond_the_header() -> None:
    """A cell past the header's end has a column of its own."""
    found = read_bytes(_workbook([["id", "name"], [1, "Ann", None, "STOP"]]))
    assert found.layout.columns == ("id", "name", "column_3", "column_4")
    assert found.rows == [(2, "1", "Ann", "", "STOP")]


def test_excel_error_is_an_issue() -> None:
    """A cell with an error is empty, and an issue says so."""
    found = read_bytes(_workbook([["id", "name"], [1, "=A1"], [2, "b"]]))
    assert found.rows == [(2, "1", ""), (3, "2", "b")]
    assert found.issues == [(2, "name", "cell_excel_error")]


def test_sheets() -> None:
    """The named sheet is read; a name that is not there is answered with those that are."""
    content = _workbook([["id", "name"], [1, "Ann"]])
    found = read_bytes(content, ReadingHints(sheet="Leads"))
    assert found.layout.sheets == ("Leads", "Empty")
    with pytest.raises(UnreadableFileError, match="'Leads', 'Empty'"):
        read_bytes(content, ReadingHints(sheet="Kunden"))
    with pytest.raises(UnreadableFileError, match="no filled cell"):
        read_bytes(content, ReadingHints(sheet="Empty"))


def test_chunks_of_a_workbook() -> None:
    """Chunk size changes nothing."""
    content = _workbook([["id", "name"], *([n, f"n{n}"] for n in range(25))])
    assert read_bytes(content, chunk_rows=7) == read_bytes(content)


def test_parquet(tmp_path: Path) -> None:
    """Typed columns become the text that a CSV would have; nested ones go by path."""
    frame = pl.DataFrame(
        {
            "id": [1, 2],
            "amount": [5.0, 2.5],
            "day": [dt.date(2026, 5, 1), None],
            "at": [dt.datetime(2026, 5, 1, 13, 4, 5), None],
            "name": ["José", "a\x00b"],
            "phones": [[{"n": "5"}], []],
        }
    )
    frame.write_parquet(tmp_path / "x.parquet")
    found = read_bytes((tmp_path / "x.parquet").read_bytes())
    assert found.layout.columns == ("id", "amount", "day", "at", "name", "phones.0.n")
    assert found.rows == [(1, "1", "5", "2026-05-01", "2026-05-01T13:04:05", "José", "5")]
    assert found.rejects == [(2, "nul_byte")]
