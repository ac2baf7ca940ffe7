"""An inspection as people see it."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from flows.inspecting import Inspection
from flows.terminal import make_table, visible
from transforms.recognise import Fit

_FITS_SHOWN = 5
_CELL_CHARS = 24
_HEADER_CHARS = 30
_DELIMITERS = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "pipe"}


def inspection_lines(found: Inspection) -> Iterator[RenderableType]:
    """How a file is written, its first rows, and the contracts that fit."""
    layout = found.layout
    yield Text(visible(found.file_name), style="bold")
    said: list[str] = [layout.form]
    if layout.encoding:
        said.append(layout.encoding)
    if layout.delimiter:
        said.append(f"{_DELIMITERS.get(layout.delimiter, layout.delimiter)} between cells")
    if layout.header_line:
        said.append(f"header in line {layout.header_line}")
    if layout.sheet:
        said.append(f"sheet '{visible(layout.sheet)}'")
    if layout.records_path:
        said.append(f"records under '{visible(layout.records_path)}'")
    yield Text(", ".join(said))
    if layout.preamble:
        yield Text(f"{len(layout.preamble)} lines before the header are left out.")
    if found.rejected:
        yield Text(f"{found.rejected:,} of the first rows cannot be rows.", style="red")
    yield from _rows(found)
    fits = make_table("contract", "fits")
    for fit in found.fits[:_FITS_SHOWN]:
        fits.add_row(fit.name, Text(visible(_verdict(fit))))
    fits.columns[0].min_width = max(len(fit.name) for fit in found.fits[:_FITS_SHOWN])
    yield fits
    if found.proposal:
        yield Text("No contract fits exactly. One that could (--write FILE saves it):\n")
        yield Text(visible(found.proposal), style="dim")


def _verdict(fit: Fit) -> str:
    if fit.fault:
        return "no:" + fit.fault.partition(":")[2]
    how = "exactly" if fit.is_exact else "in part"
    return f"{how}, {fit.score:.0%} of the columns are known"


def _rows(found: Inspection) -> Iterator[RenderableType]:
    """One line per column: a file has more columns than a screen."""
    table = make_table("column", "in the first rows")
    for header in found.rows.columns:
        cells = [cell for cell in found.rows[header].to_list() if cell]
        shown = " │ ".join(
            visible(" ".join(cell.split()))[:_CELL_CHARS] for cell in dict.fromkeys(cells)
        )
        table.add_row(Text(visible(header)), Text(shown))
    table.columns[0].min_width = min(_HEADER_CHARS, max(map(len, found.rows.columns), default=0))
    yield table
