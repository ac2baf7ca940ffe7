"""Rejected rows that people correct and import again."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg
import pytest
import xlsxwriter
from hypothesis import example, given
from hypothesis import strategies as st

from flows import import_issues, ledger, report, teams
from flows.importing import run_import
from flows.jobs import Outcome, Request
from flows.settings import Settings
from flows.undoing import run_undo
from tests.conftest import AddSource, Import
from tests.place import Place, attack
from tests.states import content

HEADER = ("id", "name", "phone", "email", "city", "note")
RIGHT = [
    ("1", "Ann Lee", "+14155552671", "ann@x.example", "Ulm", "=1+1"),
    ("2", 'Bob "Bo" Kahn', "+14155552672", "", "Rome", "-5"),
    ("3", "Cid Moss", "+14155552671", "cid@x.example", "Kyiv", "two\nlines"),
    ("4", "Dora Nash", "", "dora@x.example", "Oslo, N", "'quoted'"),
    ("5", "Eve Orr", "+14155552675", "eve@x.example", "", "Zoë; x | city: y"),
]
BAD = {"phone": "12", "email": "nobody"}


def damage(rows: list[tuple[str, ...]], bad: Mapping[int, str]) -> str:
    """The rows as a file, those at some numbers so that they cannot be loaded."""
    lines = [",".join(HEADER)]
    for number, row in enumerate(rows):
        cells = list(row)
        if bad.get(number) == "no_identity":
            cells[2:4] = BAD.values()
        line = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
        lines.append(line + ',"x"' if bad.get(number) == "too_many_fields" else line)
    return "\r\n".join(lines) + "\r\n"


def read_rejects(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, rows: list[dict[str, str]], **how: str) -> None:
    with path.open("w", encoding=how.pop("encoding", "utf-8"), newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), **how)  # type: ignore[arg-type]
        writer.writeheader()
        writer.writerows(rows)


def save_workbook(path: Path, rows: list[dict[str, str]]) -> None:
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([list(rows[0]), *(list(row.values()) for row in rows)]):
            for place, cell in enumerate(row):
                sheet.write_string(number, place, cell)


SAVED: list[Callable[[Path, list[dict[str, str]]], None]] = [
    write_rows,
    lambda path, rows: write_rows(path, rows, delimiter=";", encoding="cp1252"),
    lambda path, rows: write_rows(path, rows, delimiter="\t", encoding="utf-16"),
    save_workbook,
]
"""As spreadsheets save a file."""


class Desk:
    """Where an analyst sits: gets rejects, imports files."""

    def __init__(
        self, settings: Settings, connection: psycopg.Connection, folder: Path, team: str = "acme"
    ) -> None:
        self.settings, self.connection, self.folder = settings, connection, folder / team
        self.folder.mkdir(exist_ok=True)
        self.team = team

    def rejects(self, outcome: Outcome) -> list[dict[str, str]]:
        path = self.folder / "rejects.csv"
        entry = ledger.find_import(self.connection, outcome.import_id)
        report.write_rejects(path, entry, self.issues(outcome))
        return read_rejects(path)

    def issues(self, outcome: Outcome) -> list[import_issues.Issue]:
        entry = ledger.find_import(self.connection, outcome.import_id)
        return import_issues.list_issues(self.connection, entry, "reject")

    def resolved(self, outcome: Outcome) -> list[int]:
        return [issue.line_no for issue in self.issues(outcome) if issue.is_resolved]

    def take(self, name: str, text: str | None = None, source: str = "auto") -> Outcome:
        path = self.folder / name
        if text is not None:
            path.write_text(text, encoding="utf-8", newline="")
        (outcome,) = run_import(Request(path, self.team, source), self.settings)
        return outcome

    def correct(
        self, rows: list[dict[str, str]], name: str = "corrected.csv", source: str = "auto"
    ) -> Outcome:
        write_rows(self.folder / name, rows)
        return self.take(name, source=source)


@pytest.fixture
def desk(settings: Settings, connection: psycopg.Connection, tmp_path: Path) -> Desk:
    return Desk(settings, connection, tmp_path)


def mend(rejects: list[dict[str, str]], by_id: Mapping[str, tuple[str, ...]]) -> None:
    for row in rejects:
        row.update(zip(HEADER[2:], by_id[row["id"]][2:], strict=True))


@attack
@example(bad={0: "no_identity", 2: "no_identity", 4: "too_many_fields"}, saved=3)
@given(
    bad=st.dictionaries(
        st.integers(0, 4), st.sampled_from(["no_identity", "too_many_fields"]), min_size=1
    ),
    saved=st.integers(0, len(SAVED) - 1),
)
def test_all_corrected_is_as_if_it_had_been_right(
    place: Place, bad: dict[int, str], saved: int
) -> None:
    """The same people as from a right file, whatever saved the correction; nothing is left open."""
    place.empty("acme", "beta")
    desk, other = (
        Desk(place.settings, place.connection, place.folder, team) for team in ("acme", "beta")
    )
    assert other.take("list.csv", damage(RIGHT, {}), "generic").status == "done"
    first = desk.take("list.csv", damage(RIGHT, bad), "generic")
    assert (first.status, first.counts.rejected) == ("done", len(bad))
    rejects = desk.rejects(first)
    mend(rejects, {row[0]: row for row in RIGHT})
    name = "corrected.xlsx" if SAVED[saved] is save_workbook else "corrected.csv"
    SAVED[saved](desk.folder / name, rejects)
    second = desk.take(name)
    assert (second.status, second.reason, second.counts.rejected) == ("done", "", 0)
    assert content(place.connection, "acme") == content(place.connection, "beta")
    assert len(desk.resolved(first)) == len(bad)
    assert desk.rejects(first) == []


def test_rejects_stand_under_the_header_of_their_file(desk: Desk) -> None:
    """What cannot be parted is filled in as far as it goes; totals are nobody's rows."""
    text = (
        "name;phone;note\nAnn;12;=a\nBob;34;b;c\nCid;56;d\n"
        'Dora;+14155552671;x\nEve;78;"open\nTotal;4;\n'
    )
    outcome = desk.take("list.csv", text, "generic")
    rows = [list(row.values()) for row in desk.rejects(outcome)]
    said = "no_identity: The row has no CRM id, phone or email that can be read."
    own = outcome.import_id
    assert rows[0] == [own, "2", said, "Ann", "12", "'=a"]
    assert rows[1][3:] == ["Bob", "34", "b;c"]
    assert rows[2][3:] == ["Cid", "56", "d"]
    assert [row[1] for row in rows] == ["2", "3", "4", "6"]
    assert list(desk.rejects(outcome)[0]) == [
        *("_leadfold_import", "_leadfold_line", "_leadfold_reason", "name", "phone", "note")
    ]


@pytest.mark.parametrize("form", ["xlsx", "jsonl", "json"])
def test_other_forms_have_cells_too(desk: Desk, form: str) -> None:
    """A workbook's or a JSON file's reject is corrected as a CSV."""
    path = desk.folder / f"list.{form}"
    rows = [
        {"name": "Ann | city: x", "phone": "12", "city": "Ulm"},
        {"name": "Bob", "phone": "+14155552672", "city": "Rome"},
    ]
    if form == "xlsx":
        save_workbook(path, rows)
    else:
        texts = [str(row).replace("'", '"') for row in rows]
        path.write_text("\n".join(texts) if form == "jsonl" else f"[{', '.join(texts)}]")
    first = desk.take(path.name, source="generic")
    (reject,) = desk.rejects(first)
    assert {name: reject[name] for name in ("phone", "city")} == {"phone": "12", "city": "Ulm"}
    assert reject["name"].startswith("Ann")
    done = desk.correct([{**reject, "phone": "+14155552671"}])
    assert (done.status, done.counts.inserted) == ("done", 1)
    assert desk.resolved(first) == [int(reject["_leadfold_line"])]


def test_what_is_still_wrong_is_rejected_again_and_can_be_corrected_again(desk: Desk) -> None:
    """However many: nobody is asked. The second correction resolves what the first left open."""
    text = "name,phone\n" + "".join(f"Name{n},12\n" for n in range(12))
    text += "".join(f"Good{n},+1415555{2000 + n}\n" for n in range(300))
    first = desk.take("list.csv", text, "generic")
    assert first.counts.rejected == 12
    rows = desk.rejects(first)
    for number in (0, 1):
        rows[number]["phone"] = f"+1415555{3000 + number}"
    second = desk.correct(rows)
    assert (second.status, second.counts.inserted, second.counts.rejected) == ("done", 2, 10)
    assert desk.resolved(first) == [2, 3]
    assert [row["_leadfold_line"] for row in desk.rejects(first)] == [str(n) for n in range(4, 14)]
    rest = desk.rejects(second)
    assert {row["_leadfold_import"] for row in rest} == {second.import_id}
    for number, row in enumerate(rest):
        row["phone"] = f"+1415555{4000 + number}"
    third = desk.correct(rest, "corrected again.csv")
    assert (third.status, third.counts.inserted) == ("done", 10)
    assert desk.resolved(first) == list(range(2, 14))
    assert len(desk.resolved(second)) == 10
    entry = ledger.find_import(desk.connection, third.import_id)
    assert (entry.cause, entry.corrects_import_id) == ("correction", second.import_id)
    assert (entry.source, entry.source_file) == ("generic", "generic/list.csv")
    kept = "SELECT count(*) FROM leads WHERE fields::text LIKE '%%_leadfold_%%'"
    assert desk.connection.execute(kept).fetchone() == (0,)


def test_undoing_a_correction_opens_its_rows_again(desk: Desk) -> None:
    """And undoing that undo closes them; a dry run closes nothing."""
    first = desk.take("list.csv", damage(RIGHT, {1: "no_identity"}), "generic")
    before = content(desk.connection)
    rows = desk.rejects(first)
    mend(rows, {row[0]: row for row in RIGHT})
    write_rows(desk.folder / "corrected.csv", rows)
    request = Request(desk.folder / "corrected.csv", "acme", "auto", is_dry_run=True)
    (dry,) = run_import(request, desk.settings)
    assert (dry.status, dry.counts.inserted, desk.resolved(first)) == ("dry_run", 1, [])
    second = desk.take("corrected.csv")
    (line,) = desk.resolved(first)
    hint = report.rejects_hint(
        ledger.find_import(desk.connection, first.import_id), desk.issues(first)
    )
    assert hint.startswith("Corrected and loaded since: 1 of 1 rejected rows.\n")
    undone = run_undo(second.import_id, desk.settings)
    assert content(desk.connection) == before
    assert (desk.resolved(first), len(desk.rejects(first))) == ([], 1)
    run_undo(undone.import_id, desk.settings)
    assert desk.resolved(first) == [line]
    again = desk.take("corrected.csv")
    assert (again.counts.inserted, again.counts.updated, again.counts.unchanged) == (0, 0, 1)


def test_a_correction_that_cannot_be_one_says_why(desk: Desk, tmp_path: Path) -> None:
    """Nothing of it is loaded, and another team learns nothing."""
    first = desk.take("list.csv", damage(RIGHT, {1: "no_identity"}), "generic")
    second = desk.take("other.csv", damage(RIGHT, {2: "no_identity"}), "generic")
    rows = desk.rejects(first)
    mend(rows, {row[0]: row for row in RIGHT})
    before = content(desk.connection)

    def refused(rows: list[dict[str, str]], source: str = "auto", at: Desk = desk) -> str:
        outcome = at.correct(rows, source=source)
        assert outcome.status == "failed"
        return outcome.reason

    assert "rejected rows of several imports" in refused(rows + desk.rejects(second))
    assert "which was read as generic, not hubspot" in refused(rows, "hubspot")
    assert "no column '_leadfold_line'" in refused(
        [{k: v for k, v in row.items() if k != "_leadfold_line"} for row in rows]
    )
    teams.add_team(desk.connection, "beta")
    stranger = Desk(desk.settings, desk.connection, tmp_path, "beta")
    told = refused(rows, at=stranger)
    nobodys = "import_00000000000000000000000000"
    told_of_none = refused([{**row, "_leadfold_import": nobodys} for row in rows], at=stranger)
    assert told.replace(first.import_id, nobodys) == told_of_none
    run_undo(first.import_id, desk.settings)
    assert "but that import is undone" in refused(rows)
    run_undo(second.import_id, desk.settings)
    assert content(desk.connection) != before


def test_a_correction_of_a_snapshot_ends_nobody_and_has_its_time(
    desk: Desk, import_text: Import, add_source: AddSource
) -> None:
    """The rows that were right are not in it; its rows are as old as the file that it corrects."""
    add_source(
        "name: dump\nsource_file: feed\nmode: snapshot\nrequired: [source_record_id]\n"
        'file_time: "%Y%m%d"\nrecognised_by: [Id]\n'
        "columns: {source_record_id: Id, first_name: Name, phones: Phone}\n"
    )
    text = "Id,Name,Phone\n1,Ann,+14155552671\n2,Bob,12\n"
    first = desk.take("dump_20260105.csv", text, "dump")
    (reject,) = desk.rejects(first)
    done = desk.correct([{**reject, "Phone": "+14155552672"}])
    assert (done.status, done.counts.inserted) == ("done", 1)
    query = "SELECT source_record_id, is_missing, to_char(clock, 'YYYYMMDD') FROM leads ORDER BY 1"
    assert desk.connection.execute(query).fetchall() == [
        ("1", False, "20260105"),
        ("2", False, "20260105"),
    ]


def test_a_header_is_no_formula_either(desk: Desk) -> None:
    """What a sender calls a column runs in no spreadsheet, and is the same column corrected."""
    text = "id,name,phone,=HYPERLINK(1)\n1,Ann,+14155552671,a\n2,Bob,12,b\n"
    first = desk.take("list.csv", text, "generic")
    rejects = desk.rejects(first)
    assert "'=HYPERLINK(1)" in rejects[0]
    rejects[0]["phone"] = "+14155552672"
    assert desk.correct(rejects).counts.inserted == 1
    found = desk.connection.execute("SELECT fields -> 'extra' FROM leads ORDER BY lead_id")
    assert [extra["=HYPERLINK(1)"] for (extra,) in found] == ["a", "b"]
