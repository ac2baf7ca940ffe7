"""``--plan FILE``, as people call it."""

import json
import zipfile
from pathlib import Path

import polars as pl
import psycopg
import pytest

from flows import import_file
from flows.jobs import Request
from tests.conftest import snapshot
from tests.test_cli import Call, call, good  # noqa: F401
from tests.test_import_file import environment, prefect  # noqa: F401

TEAM = ("--team", "acme", "--source", "generic")


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ("plan.xlsx", "A plan is written as CSV or Parquet, not as 'plan.xlsx'."),
        ("plan", "Give a file that ends in .csv or .parquet."),
        ("nowhere/plan.csv", "there is no such folder."),
        ("folder.csv", "there is no such folder."),
        ("good.csv", "is the file to import: the plan would overwrite it."),
    ],
)
def test_a_plan_that_cannot_be_written_is_refused_first(
    call: Call,  # noqa: F811
    connection: psycopg.Connection,
    good: Path,  # noqa: F811
    plan: str,
    said: str,
) -> None:
    """Before anything is read or written."""
    (good.parent / "folder.csv").mkdir()
    content = good.read_bytes()
    code, out, err = call("import", good, *TEAM, "--plan", good.parent / plan)
    assert (code, out, said in err) == (2, "", True), err
    assert good.read_bytes() == content
    assert connection.execute("SELECT count(*) FROM imports").fetchone() == (0,)


def test_one_plan_is_of_one_file(
    call: Call,  # noqa: F811
    connection: psycopg.Connection,
    good: Path,  # noqa: F811
) -> None:
    """Two files are a wrong call; an archive of two is not loaded."""
    target = good.parent / "plan.csv"
    code, _, err = call("import", good, good, *TEAM, "--plan", target)
    assert (code, "--plan is for one file at a time" in err) == (2, True)
    archive = good.parent / "both.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.csv", good.read_text())
        file.writestr("b.csv", "name,phone\nBob,415-555-2672\n")
    before = snapshot(connection)
    for dry in ((), ("--dry-run",)):
        code, _, err = call("import", archive, *TEAM, "--plan", target, *dry)
        assert (code, "the archive holds 2 files" in err) == (1, True)
    assert snapshot(connection) == before
    assert not target.exists()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.csv", good.read_text())
    assert call("import", archive, *TEAM, "--plan", target, "--dry-run")[0] == 0
    assert target.exists()


def test_the_call_tells_where_the_plan_is(
    call: Call,  # noqa: F811
    connection: psycopg.Connection,
    good: Path,  # noqa: F811
) -> None:
    """After a dry run and after an import; as JSON the counts alone."""
    target = good.parent / "plan.parquet"
    told = f"\nThe plan is written to {target}: 4 rows.\n"
    code, out, err = call("import", good, *TEAM, "--plan", target, "--dry-run")
    assert (code, err, "new people" in out, out.endswith(told)) == (0, "", True, True)
    code, out, _ = call("import", good, *TEAM, "--plan", target, "--dry-run", "--json")
    assert json.loads(out)["changes"] == {
        "claim": {"insert": 1},
        "lead": {"insert": 1},
        "persona": {"insert": 1},
        "reject": {"reject": 1},
    }
    code, out, _ = call("import", good, *TEAM, "--plan", target)
    assert (code, "new people" in out, out.endswith(told)) == (0, False, True)
    assert len(pl.read_parquet(target)) == 4


def test_the_flow_writes_a_plan_too(
    prefect: None,  # noqa: F811
    environment: None,  # noqa: F811
    connection: psycopg.Connection,
    good: Path,  # noqa: F811
) -> None:
    """The same file, by the same code."""
    target = good.parent / "plan.csv"
    (outcome,) = import_file.run(
        Request(good, "acme", "generic", is_dry_run=True, plan_file=target)
    )
    assert outcome.changes
    assert outcome.changes.rows == 4
    assert len(target.read_text().splitlines()) == 5
