"""What the reader of workbooks does not tell: zeros that a number format shows, and errors.

A US zip code is often the number 501 with the format ``00000``; people see 00501. This looks
into the sheet's XML (ECMA-376, part 1, 18.3 and 18.8), once, and only where the workbook has such
a format or an error at all.
"""

import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import polars as pl

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINKS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_CELL = re.compile(r"([A-Z]+)(\d+)")
_ZEROS = re.compile(r"0{2,}")


@dataclass
class OddCells:
    """Cells that need another look.

    Attributes:
        padded: (row from 1, column from 0, number of digits) of numbers shown with zeros.
        errors: (row from 1, column from 0, text) of errors.
    """

    padded: list[tuple[int, int, int]] = field(default_factory=list)
    errors: list[tuple[int, int, str]] = field(default_factory=list)

    def apply(self, cells: pl.DataFrame) -> pl.DataFrame:
        """Pad the numbers with the zeros that Excel shows."""
        by_column: dict[int, list[tuple[int, int]]] = {}
        for row, column, n_digits in self.padded:
            by_column.setdefault(column, []).append((row - 1, n_digits))
        for at, places in by_column.items():
            column_cells = cells.to_series(at)
            rows = [row for row, _ in places]
            texts = [column_cells[row].zfill(n_digits) for row, n_digits in places]
            padded = column_cells.scatter(rows, pl.Series(texts, dtype=pl.String))
            cells = cells.with_columns(padded.alias(column_cells.name))
        return cells


def read_odd_cells(path: Path, sheet: str) -> OddCells:
    """The cells of a sheet that need another look; none where the XML is not as expected."""
    odd = OddCells()
    try:
        with zipfile.ZipFile(path) as archive:
            member = _sheet_member(archive, sheet)
            digits = _digits_by_style(archive)
            if member is None or not (digits or b't="e"' in archive.read(member)):
                return odd
            _scan(archive, member, digits, odd)
    except (KeyError, ElementTree.ParseError, zipfile.BadZipFile):
        return OddCells()
    return odd


def _sheet_member(archive: zipfile.ZipFile, sheet: str) -> str | None:
    workbook = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    for entry in workbook.iter(f"{_MAIN}sheet"):
        if entry.get("name") == sheet:
            target = targets[entry.get(f"{_LINKS}id")]
            return (
                target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl", target))
            )
    return None


def _digits_by_style(archive: zipfile.ZipFile) -> dict[str, int]:
    """How many digits each style with a format of zeros alone shows."""
    if "xl/styles.xml" not in archive.namelist():
        return {}
    styles = ElementTree.fromstring(archive.read("xl/styles.xml"))
    formats = {
        entry.get("numFmtId"): len(entry.get("formatCode", ""))
        for entry in styles.iter(f"{_MAIN}numFmt")
        if _ZEROS.fullmatch(entry.get("formatCode", ""))
    }
    used = styles.find(f"{_MAIN}cellXfs")
    return {
        str(number): formats[entry.get("numFmtId")]
        for number, entry in enumerate(used if used is not None else [])
        if entry.get("numFmtId") in formats
    }


def _scan(archive: zipfile.ZipFile, member: str, digits: dict[str, int], odd: OddCells) -> None:
    padded: list[tuple[int, int, int]] = []
    errors: list[tuple[int, int, str]] = []
    first_column: int | None = None
    with archive.open(member) as file:
        for _, cell in ElementTree.iterparse(file):
            if cell.tag == f"{_MAIN}row":
                cell.clear()
            if cell.tag != f"{_MAIN}c" or not (place := _CELL.fullmatch(cell.get("r", ""))):
                continue
            column, row = _column_number(place[1]), int(place[2])
            value = cell.findtext(f"{_MAIN}v")
            if value is None and cell.find(f"{_MAIN}is") is None:
                continue
            # The reader's columns begin with the first one that has a value.
            first_column = column if first_column is None else min(first_column, column)
            if cell.get("t") == "e":
                errors.append((row, column, value or ""))
            elif cell.get("t", "n") == "n" and cell.get("s", "") in digits:
                padded.append((row, column, digits[cell.get("s", "")]))
    start = first_column or 0
    odd.padded = [(row, column - start, n_digits) for row, column, n_digits in padded]
    odd.errors = [(row, column - start, text) for row, column, text in errors]


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
