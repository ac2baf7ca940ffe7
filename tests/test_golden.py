"""Each source's files, read as its golden folder says, row by row. The expectations are by hand."""

import csv
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from contracts.registry import load_sources
from flows import teams
from flows.jobs import Job, say_nothing
from flows.landing import land
from flows.settings import Settings
from flows.staging import stage
from transforms.relations import query

GOLDEN = Path(__file__).parent / "golden"
FOLDERS = sorted(folder for folder in GOLDEN.iterdir() if folder.is_dir())
LISTS = ("phones", "emails")
TIMES = ("clock", "last_activity_at")


def source_of(folder: Path) -> str:
    """``salesforce-report`` is a second form of salesforce."""
    return folder.name.partition("-")[0]


def test_every_source_has_a_golden_folder() -> None:
    """Whoever adds a source shows what its files look like, and what becomes of them."""
    assert {source_of(folder) for folder in FOLDERS} == set(load_sources())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_file_is_read_as_its_golden_folder_says(
    folder: Path, settings: Settings, connection: psycopg.Connection
) -> None:
    """Every record: accepted or rejected and why, every field, every damaged cell."""
    (path,) = folder.glob("input.*")
    with (folder / "expected.csv").open(encoding="utf-8", newline="") as file:
        expected = list(csv.DictReader(file))
    found = {row["line_no"]: row for row in staged(path, source_of(folder), settings, connection)}
    assert sorted(found, key=int) == [row["line_no"] for row in expected]
    for row in expected:
        got = found[row["line_no"]]
        assert got["outcome"] == row["outcome"], row["line_no"]
        if row["outcome"] == "accepted":
            if row.get("source_record_id") == "h1_":
                assert got["source_record_id"].startswith("h1_")
                got = {**got, "source_record_id": "h1_"}
            assert {name: got.get(name, "") for name in row} == row


def staged(
    path: Path, source: str, settings: Settings, connection: psycopg.Connection
) -> list[dict[str, str]]:
    """What staging makes of a file, in the columns of ``expected.csv``."""
    (batch,) = land(path, settings.landing)
    job = Job(
        "import_01KAHZYAG00000000000000005",
        teams.find_team(connection, "acme"),
        source,
        f"{source}/default",
        path.name,
        path,
        datetime(2026, 11, 21, tzinfo=UTC),
        is_dry_run=True,
    )
    (settings.work / job.import_id).mkdir(parents=True)
    with closing(stage(job, batch, settings, say_nothing)) as work:
        rows = query(work, "select * from staged order by line_no").to_dicts()
        issues = query(work, "select line_no, severity, code, field from issues").to_dicts()
        stated = query(work, "select distinct line_no, channel from stated_opt_outs").rows()
        said = query(work, "from said_cells where value not like 'h1_%' order by all").rows()
        lines = query(work, "select distinct line_no from said_rows order by all")["line_no"]
    found = []
    cells: dict[int, dict[str, str]] = {line: {} for line in lines}
    for table, line, column, value in said:
        cells[line][f"{table}.{column}"] = value
    rejected = {i["line_no"]: i["code"] for i in issues if i["severity"] == "reject"}
    for row in rows:
        codes = _list_codes(issues, row["line_no"])
        known = (*LISTS, *TIMES, "tags", "is_deleted")
        texts = {name: row[name] or "" for name in row if name not in known}
        times = {name: f"{row[name]:%Y-%m-%dT%H:%M:%SZ}" if row[name] else "" for name in TIMES}
        found.append(
            {
                **texts,
                **times,
                **{name: " ".join(row[name]) for name in LISTS},
                **cells.pop(row["line_no"], {}),
                "tags": "; ".join(row["tags"]),
                "is_deleted": "yes" if row["is_deleted"] else "",
                "line_no": str(row["line_no"]),
                "outcome": "accepted",
                "opt_outs": " ".join(sorted(c for line, c in stated if line == row["line_no"])),
                "issues": codes,
            }
        )
    # Rows of a keyed table that name nobody.
    found += [
        {
            **values,
            "line_no": str(line),
            "outcome": "accepted",
            "issues": _list_codes(issues, line),
        }
        for line, values in cells.items()
        if line not in rejected
    ]
    found += [{"line_no": str(line), "outcome": code} for line, code in rejected.items()]
    return found


def _list_codes(issues: list[dict[str, Any]], line: int) -> str:
    """The damaged cells of a line: ``field:code``."""
    return " ".join(sorted(f"{i['field']}:{i['code']}" for i in issues if i["line_no"] == line))
