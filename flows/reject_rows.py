"""Rejected rows as the cells of the file that they came from, for a CSV that people correct."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from flows.import_issues import Issue
from flows.ledger import Import
from flows.reading.csv_fields import Dialect, FieldParser, Width
from flows.reading.encodings import describe
from flows.reading.json_records import BrokenJsonError, Pairs, flatten, parse_json
from flows.reading.layouts import Layout
from flows.reading.text_lines import Lines
from transforms.cells import neutralize, restore_neutral
from transforms.corrections import MARKS, own_columns

# No rows of anybody's, or of somebody whose row is not kept: there is nothing to correct.
_NO_ROWS = ("not_a_record", "erased")
_UTF8 = describe("utf-8")


def describe_layout(layout: Layout) -> dict[str, object]:
    """What of a file's layout tells the cells of a rejected row."""
    kept = ("form", "columns", "header", "delimiter", "quote", "escape", "is_any_break")
    return {name: value for name, value in asdict(layout).items() if name in kept}


def list_correctable(issues: Sequence[Issue]) -> list[Issue]:
    """Rejects that can be corrected and have not been yet."""
    return [each for each in issues if not each.is_resolved and each.code not in _NO_ROWS]


def tabulate(entry: Import, issues: Sequence[Issue]) -> tuple[list[str], list[list[str]]]:
    """Rejected rows under the header of their file, safe to be opened in a spreadsheet.

    Of a row that cannot be parted as the header says, what there is is filled in, and the last
    column takes the rest. Of an import from before layouts were kept each row is one cell.

    Returns:
        The header, and a row for each issue.
    """
    reasons = [f"{issue.code}: {issue.message}" for issue in issues]
    if entry.layout is None:
        columns, cells = ["row"], [[issue.text.rstrip("\r\n")] for issue in issues]
    else:
        columns = list(own_columns(entry.layout["columns"]))
        cells = [_cells(issue.text, entry.layout) for issue in issues]
    frame = pl.DataFrame(cells, schema=dict.fromkeys(columns, pl.String), orient="row")
    safe = {"reason": _neutral(pl.Series(reasons, dtype=pl.String))}
    for number, name in enumerate(columns):
        column = frame[name]
        if entry.corrects_import_id:
            # It was opened in a spreadsheet already.
            column = pl.select(restore_neutral(pl.lit(column))).to_series()
        safe[f"cell {number}"] = _neutral(column)
    rows = [
        [entry.import_id, str(issue.line_no), *row]
        for issue, row in zip(issues, pl.DataFrame(safe).iter_rows(), strict=True)
    ]
    # A header is the sender's text, too.
    return [*MARKS, *_neutral(pl.Series(columns, dtype=pl.String))], rows


def _neutral(cells: pl.Series) -> pl.Series:
    """Cells that no spreadsheet runs."""
    return pl.select(neutralize(pl.lit(cells))).to_series()


def _cells(text: str, layout: Mapping[str, Any]) -> list[str]:
    """A row's cells, one for each column that is data."""
    columns = list(layout["columns"])
    if layout["form"] == "csv":
        cells = _split_csv(text, layout)
    elif layout["form"] in ("json", "jsonl") and (found := _split_json(text, layout)):
        cells = found
    else:
        cells = _split_shown(text, columns)
    return [cell for name, cell in zip(columns, cells, strict=True) if name in own_columns(columns)]


def _split_csv(text: str, layout: Mapping[str, Any]) -> list[str]:
    dialect = Dialect(
        layout["delimiter"], layout["quote"], layout["escape"], layout["is_any_break"]
    )
    n_columns = len(layout["columns"])
    lines = Lines(
        text.rstrip("\r\n").encode("utf-8", "replace"),
        _UTF8,
        is_any_break=dialect.is_any_break,
        is_last=True,
    )
    if len(lines):
        parsed = FieldParser(lines, dialect).parse(0)
        if parsed.state == "whole" and parsed.n_lines == len(lines):
            fit = Width(n_columns).fit(parsed.fields)
            return fit or _pad(parsed.fields, n_columns, dialect.delimiter)
    return _pad(text.rstrip("\r\n").split(dialect.delimiter), n_columns, dialect.delimiter)


def _pad(fields: Sequence[str], n_columns: int, delimiter: str) -> list[str]:
    """As many cells as columns; the last one takes what is beyond."""
    kept = list(fields[: n_columns - 1])
    if rest := fields[n_columns - 1 :]:
        kept.append(delimiter.join(rest))
    return kept + [""] * (n_columns - len(kept))


def _split_json(text: str, layout: Mapping[str, Any]) -> list[str] | None:
    try:
        record = parse_json(text)
    except BrokenJsonError:
        return None
    if not isinstance(record, Pairs):
        return None
    flat = flatten(record)
    return [flat.get(key) or "" for key in layout["header"]]


def _split_shown(text: str, columns: Sequence[str]) -> list[str]:
    """The cells of a row that is kept as ``Name: Zed | Phone: 12``, in the order of the names."""
    found: dict[str, str] = {}
    rest = text
    for name in sorted(columns, reverse=True):
        start = re.compile(rf"(?:^|(?<= \| )){re.escape(name.strip())}: ")
        if matches := list(start.finditer(rest)):
            found[name] = rest[matches[-1].end() :]
            rest = rest[: matches[-1].start()].removesuffix(" | ")
    if rest or not found:
        return _pad([*([""] * (len(columns) - 1)), text], len(columns), "")
    return [found.get(name, "") for name in columns]
