"""What a terminal shows, whatever the subject: safe text, tables, progress, faults."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from rich import box
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from contracts.errors import LeadfoldError
from flows.jobs import Progress
from flows.warehouse import first_line

# Control characters but line breaks and tabs, what reorders text, bytes of a name that are none.
_UNSAFE = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"


def make_table(*columns: str) -> Table:
    """An empty table in our style; a cell that is too wide ends in dots."""
    table = Table(
        box=box.SIMPLE_HEAD,
        header_style="bold",
        show_edge=False,
        pad_edge=False,
        padding=(0, 0, 0, 1),
    )
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def fault(error: BaseException) -> str:
    """What to tell of an error. One that nobody foresaw becomes a sentence too."""
    if isinstance(error, LeadfoldError):
        return visible(str(error))
    if isinstance(error, OSError) and error.strerror:
        path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
        return visible(f"{path}: {error.strerror}." if path else f"{error.strerror}.")
    remedy = "Set LEADFOLD_DEBUG=1 to see where."
    if isinstance(error, psycopg.Error):
        # The lines below the first may hold people's data.
        return visible(f"Postgres: {error.diag.message_primary or first_line(error)}\n{remedy}")
    return visible(f"{type(error).__name__}: {first_line(error)}\n{remedy}")


def visible(text: str) -> str:
    """Text that a terminal only shows: a control character in it is written ``\\x1b``."""
    return re.sub(_UNSAFE, lambda found: ascii(found[0])[1:-1], text)


def text_of(text: str, style: str = "") -> Text:
    """A cell or line of text from outside, with no markup read into it."""
    return Text(visible(text), style=style)


def plain(console: Console, text: str) -> None:
    """Print text as it is, with no markup read into it."""
    console.print(Text(text), soft_wrap=True)


def make_console(*, is_error: bool = False) -> Console:
    """Where people read: standard output, or standard error."""
    return Console(stderr=is_error, highlight=False)


def show(*lines: RenderableType) -> None:
    """Print; what is too wide for the terminal goes on, rather than be cut."""
    console = make_console()
    for line in lines:
        console.print(line, crop=False)


@contextmanager
def progress_bar(path: Path, *, is_quiet: bool) -> Iterator[Progress]:
    """Shows step and rows on a terminal, and nothing where nobody looks."""
    console = make_console(is_error=True)
    is_off = is_quiet or not console.is_terminal
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True, disable=is_off) as bar:
        name = escape(visible(path.name))
        line = bar.add_task(name, total=None)
        yield lambda step, rows: bar.update(line, description=f"{name}: {step} {rows:,} rows")
