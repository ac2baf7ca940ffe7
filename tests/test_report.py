"""What people see: whole counts, inert text."""

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from flows import report, terminal
from flows.import_issues import Issue
from flows.jobs import Outcome
from flows.ledger import Import
from transforms.plan import Counts

# Sets the title of a terminal; the second is its 8-bit form.
ESCAPES = "\x1b]0;owned\x07 \x9d0;owned\x9c"


def shown(*lines: RenderableType, width: int = 80) -> str:
    """The lines as a terminal of that width gets them."""
    console = Console(file=StringIO(), width=width, highlight=False)
    for line in lines:
        console.print(line)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def make_entry(file_name: str = "list.csv", rows: int = 1, reason: str = "") -> Import:
    start = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    return Import(
        *("import_0123456789", "acme_homes_of_the_north", "salesforce", "salesforce/default"),
        *(file_name, "0" * 64, 1, "import", "done", reason, "ann", start, start),
        *(rows, rows, rows, rows, rows, rows, rows, {}, {}, {}, 0, None),
    )


def make_issue(text: str, line_no: int = 2, message: str = "Bad.") -> Issue:
    return Issue(line_no, "reject", "no_identity", None, message, text.encode(), None)


@pytest.mark.parametrize("rows", [0, 12_345, 9_876_543])
@pytest.mark.parametrize("file_name", ["a.csv", "vendor list of the north " * 8 + ".csv"])
def test_counts_are_whole_on_a_terminal_of_80_columns(rows: int, file_name: str) -> None:
    """A count that ends in dots is a wrong count: names give way instead."""
    outcome = Outcome(
        *("i", "acme", "generic", file_name, "done", Counts(*(rows,) * 7)),
        match=dict.fromkeys(report.MATCH_LABELS, rows),
    )
    told = shown(report.summary([outcome]))
    assert told.split().count(f"{rows:,}") == (7 if rows else 6) + 5
    assert told.count("\n") == 6, "a file is one line of each table"
    assert all(label in told for label in (*report.MATCH_LABELS.values(), "unchanged"))


@pytest.mark.parametrize("rows", [7, 12_345, 9_876_543])
def test_the_ledger_fits_a_terminal_of_80_columns(rows: int) -> None:
    """Ids, states, times and counts are whole; names give way."""
    told = shown(report.imports_table([make_entry("vendor list.csv" * 9, rows)] * 2))
    assert told.split().count(f"{rows:,}") == 8
    assert told.count("..456789") == 2
    assert told.count("done   01-02 03:04") == 2
    assert max(map(len, told.splitlines())) <= 80


def test_nothing_of_a_file_reaches_the_terminal_as_a_command() -> None:
    """Rows, cells, file names and reasons may hold escapes; they are written out."""
    issues = [make_issue(f"Zed{ESCAPES}\u202e,12\tx\n", message=f"The cell '{ESCAPES}'.")]
    entry = make_entry(f"{ESCAPES}.csv", reason=f"no column '{ESCAPES}'")
    outcome = Outcome.of_entry(entry)
    lines: Sequence[RenderableType] = (
        report.issue_counts(issues),
        report.issues_table(issues),
        report.imports_table([entry]),
        report.summary([outcome]),
        report.sentence(Outcome("i", "acme", "generic", "a.csv", "failed", reason=ESCAPES)),
        *report.entry_lines(entry),
    )
    told = shown(*lines, width=200)
    assert not set(told) & set("\x1b\x07\x9c\x9d\u202e")
    assert told.count(r"\x1b]0;owned\x07 \x9d0;owned\x9c") >= 6
    assert r"\u202e" in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Łódź, 東京, O’Neil\tx\ny", "Łódź, 東京, O’Neil\tx\ny"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("a\rb\0", r"a\x0db\x00"),
        ("name\udcff.csv", r"name\udcff.csv"),
    ],
)
def test_text_stays_readable(text: str, told: str) -> None:
    """Letters of all scripts, tabs and line breaks stay; what a terminal would obey does not."""
    assert terminal.visible(text) == told.replace(r"\x0d", r"\r")


def test_rejects_are_for_their_owner_only(tmp_path: Path) -> None:
    """The file holds people's data; one that is there already keeps the mode that it has."""
    path = tmp_path / "rejects.csv"
    assert report.write_rejects(path, make_entry(), [make_issue("Zed,12\r\n")]) == 1
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    assert report.write_rejects(path, make_entry(), []) == 0
    assert path.stat().st_mode & 0o777 == 0o640
    assert len(path.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("row", "cell"),
    [
        ("=1+1,2", "'=1+1,2"),
        ("＝1+1", "'＝1+1"),
        ("'=1+1", "''=1+1"),
        ("\t=1", "'\t=1"),
        ("-5", "-5"),
        ("Ann,+1", "Ann,+1"),
    ],
)
def test_no_spreadsheet_runs_a_reject(tmp_path: Path, row: str, cell: str) -> None:
    """The rule is that of every CSV of ours, full-width signs and marked formulas among it."""
    path = tmp_path / "rejects.csv"
    report.write_rejects(path, make_entry(), [make_issue(row, message=f"={row}")])
    with path.open(encoding="utf-8-sig", newline="") as file:
        _, found = csv.reader(file)
    assert found == ["import_0123456789", "2", f"no_identity: ={row}", cell]
