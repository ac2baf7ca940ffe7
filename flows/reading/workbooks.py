"""Workbooks (.xlsx), through calamine, the reader that Polars uses."""

import re
from collections.abc import Iterator

import fastexcel
import polars as pl

from contracts.errors import refusal
from flows.landing import Batch
from flows.reading.chunks import CellIssue, Chunk, Collector, Reject, row_schema
from flows.reading.csv_records import CONTROLS
from flows.reading.footers import is_footer, is_repeated_header, is_rule, is_total
from flows.reading.headers import HeaderFound, ParsedLine, find_header, name_columns
from flows.reading.layouts import Layout, Reading, ReadingHints
from flows.reading.text_issues import find_text_issues
from flows.reading.workbook_cells import read_odd_cells

_SAMPLE_ROWS = 300
_FRAME_ROWS = 50_000
_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d) 00:00:00")
# Excel's day 0: a time without a day.
_NO_DAY = re.compile(r"(?:1899-12-3[01]|1900-01-00) (\d\d:\d\d:\d\d(?:\.\d+)?)")


def read_workbook(batch: Batch, hints: ReadingHints, chunk_rows: int) -> Reading:
    """Make one sheet of a workbook readable; ``line_no`` is the sheet's row.

    Whole numbers have no ``.0`` and never an exponent, dates are ISO 8601, times stand without
    Excel's day zero, ``00501`` keeps the zeros that its number format shows. A formula is its
    last value; an error like ``#REF!`` is an empty cell and an issue.

    Raises:
        UnreadableFileError: The workbook is damaged, has no such sheet, or no filled cell.
    """
    try:
        workbook = fastexcel.read_excel(batch.path)
        sheet, cells = _load(workbook, batch, hints.sheet)
    except fastexcel.FastExcelError as error:
        raise refusal(
            batch.file_name,
            f"the workbook is damaged ({str(error).splitlines()[0]}).",
            "Open it in Excel and save it again.",
        ) from error
    odd_cells = read_odd_cells(batch.path, sheet)
    cells = odd_cells.apply(_tidy(cells))
    header = _header(cells, hints)
    layout = Layout(
        form="xlsx",
        columns=header.names,
        header=header.written,
        header_line=None if header.at is None else header.at + 1,
        preamble=tuple(
            " ".join(filter(None, row)) for row in cells.head(header.at or 0).rows() if any(row)
        ),
        sheet=sheet,
        sheets=tuple(workbook.sheet_names),
    )

    def chunks() -> Iterator[Chunk]:
        collected = Collector(header.names, chunk_rows)
        last_row = _sort_rows(cells, header, collected)
        for row, column, text in odd_cells.errors:
            if header.first_data < row <= last_row and column < len(header.names):
                collected.add_issue(
                    CellIssue(row, header.names[column], "cell_excel_error", text.encode(), "utf-8")
                )
        yield from collected.last_chunk()

    return Reading(layout, chunks)


def _load(
    workbook: fastexcel.ExcelReader, batch: Batch, wanted: str | None
) -> tuple[str, pl.DataFrame]:
    names = workbook.sheet_names
    if wanted is not None and wanted not in names:
        there = ", ".join(f"'{name}'" for name in names)
        raise refusal(
            batch.file_name,
            f"there is no sheet '{wanted}'. The workbook has {there}.",
            "Name one of these in the contract.",
        )
    for name in [wanted] if wanted is not None else names:
        # With skip_rows given, blank rows at the top count: row numbers are the sheet's.
        sheet = workbook.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
        cells = sheet.to_polars()
        if cells.height and cells.width:
            return name, cells
    raise refusal(batch.file_name, "the workbook has no filled cell.", "Check the export.")


def _tidy(cells: pl.DataFrame) -> pl.DataFrame:
    return cells.select(
        pl.all()
        .cast(pl.String)
        .fill_null("")
        .str.replace(f"^{_MIDNIGHT.pattern}$", "${1}")
        .str.replace(f"^{_NO_DAY.pattern}$", "${1}")
    )


def _header(cells: pl.DataFrame, hints: ReadingHints) -> HeaderFound:
    sample = [
        ParsedLine(at, 1, _without_blank_tail(row))
        for at, row in enumerate(cells.head(_SAMPLE_ROWS).rows())
        if any(row)
    ]
    header = find_header(sample, hints.header_line, hints.has_header, hints.known_names)
    written = header.written + ("",) * (cells.width - len(header.written))
    if header.at is None and hints.columns:
        written = hints.columns + ("",) * (cells.width - len(hints.columns))
    return header._replace(written=written, names=name_columns(written))


def _without_blank_tail(row: tuple[str, ...]) -> list[str]:
    fields = list(row)
    while len(fields) > 1 and not fields[-1]:
        fields.pop()
    return fields


def _sort_rows(cells: pl.DataFrame, header: HeaderFound, collected: Collector) -> int:
    """Rows, rejects and footers of the sheet; the number of the last row that was taken."""
    rows: list[tuple[object, ...]] = []
    footers: list[tuple[Reject, list[str]]] = []
    last_row = 0
    for at, cell_texts in enumerate(cells.rows()):
        if at < header.first_data or not any(cell_texts):
            continue
        fields = list(cell_texts)
        filled = [text for text in fields if text]
        controls = "".join("".join(CONTROLS.findall(text)) for text in filled)
        code = None
        if controls:
            code = "nul_byte" if "\x00" in controls else "control_characters"
        elif (
            is_total(fields)
            or is_repeated_header(fields, header.written)
            or (len(filled) == 1 and len(header.names) > 2 and is_rule(filled[0]))
        ):
            code = "not_a_record"
        raw = "\t".join(fields).encode()
        reject = Reject(at + 1, None, None, code or "not_a_record", "", raw, "utf-8")
        if code is not None:
            collected.add_reject(reject)
        elif len(filled) == 1 and len(header.names) > 2 and is_footer(filled[0], filled):
            footers.append((reject, fields))
        else:
            # What stood before a record was no footer.
            rows += [(footer.line_no, None, None, *texts) for footer, texts in footers]
            footers.clear()
            rows.append((at + 1, None, None, *fields))
            last_row = at + 1
    for footer, _ in footers:
        collected.add_reject(footer)
    frame = pl.DataFrame(rows, schema=row_schema(header.names), orient="row")
    frame, issues = find_text_issues(frame, header.names)
    for line_no, column, issue, text in issues:
        collected.add_issue(CellIssue(line_no, column, issue, text.encode(), "utf-8"))
    collected.add_rows(frame)
    return last_row
