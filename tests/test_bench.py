"""The benchmark: what is measured is what is said. Nothing is asserted about time."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import phonenumbers
import polars as pl
import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql

from flows import teams, warehouse
from flows.cli import leadfold
from flows.importing import run_import
from flows.jobs import Request
from flows.settings import Settings
from tests.benchmarks import bench, floor, tables
from tests.benchmarks.chart import draw
from tests.benchmarks.measure import Cost
from tests.benchmarks.people_file import SOURCE, PeopleFile
from tests.benchmarks.results import Results, compare
from tests.benchmarks.rounds import Bench
from tests.benchmarks.server import running_server
from tests.benchmarks.words import COUNTRIES

ROWS = 2000
REGIONS = {name: region for region, country in COUNTRIES.items() for name in country.spellings}


def frame(file: PeopleFile) -> pl.DataFrame:
    return pl.concat(file.chunks())


def whole(file: PeopleFile) -> pl.DataFrame:
    """The rows that are not damaged."""
    return frame(file).filter(pl.col("damage") >= 30)


def test_a_seed_makes_the_same_file_whatever_its_size(tmp_path: Path) -> None:
    """Two runs measure the same file; another seed makes other people."""
    files = [
        PeopleFile(ROWS, seed).write(tmp_path / f"{number}.csv").read_bytes()
        for number, seed in enumerate((1, 1, 2))
    ]
    assert files[0] == files[1] != files[2]
    assert frame(PeopleFile(ROWS)).equals(frame(PeopleFile(ROWS + 400)).head(ROWS))


def test_a_file_is_written_in_chunks_with_one_header(tmp_path: Path) -> None:
    """A large file is not held in memory, and every row is written."""
    path = PeopleFile(100_020).write(tmp_path / "large.csv")
    lines = path.read_text().splitlines()
    assert len(lines) == 100_021
    assert sum(line.startswith("Id,") for line in lines) == 1


def test_the_shares_of_a_file_are_as_said() -> None:
    """A tenth is about somebody twice, three in a hundred are damaged, of five countries."""
    found = frame(PeopleFile(20_000))
    assert len(found.columns) >= 14
    ids = found.filter(pl.col("Id") != "")["Id"]
    assert 1 - ids.n_unique() / len(ids) == pytest.approx(0.05, abs=0.003)
    people = found.filter(pl.col("Email").str.contains("@")).select(
        "Id", person=pl.col("Email").str.to_lowercase()
    )
    twice = people.unique("Id")
    assert 1 - twice["person"].n_unique() / len(twice) == pytest.approx(0.05, abs=0.01)
    assert (found["damage"] < 30).mean() == pytest.approx(0.03, abs=0.005)
    countries = Counter(REGIONS[name] for name in found["Country"])
    assert len(countries) == 5
    assert min(countries.values()) > 0.08 * len(found)


def test_the_phones_are_such_as_the_countries_give_out() -> None:
    """Both sides of a comparison do the work of a valid number."""
    for row in whole(PeopleFile(ROWS)).iter_rows(named=True):
        region = REGIONS[row["Country"]]
        for text in filter(None, (row["Phone"], row["MobilePhone"])):
            assert phonenumbers.is_valid_number(phonenumbers.parse(text, region)), (text, region)


@pytest.mark.parametrize("per_mille", [10, 100])
def test_a_changed_file_differs_in_as_many_records_as_said(per_mille: int) -> None:
    """What is not changed is the same, cell by cell; what is changed is newer."""
    before, after = (
        whole(PeopleFile(20_000, changed_per_mille=each)).filter(
            pl.int_range(pl.len()).is_first_distinct() & pl.col("Id").is_first_distinct()
        )
        for each in (0, per_mille)
    )
    both = before.join(after, on="Id", suffix="_after")
    assert len(both) == len(before) == len(after)
    newer = both.filter(pl.col("LastModifiedDate") < pl.col("LastModifiedDate_after"))
    assert len(newer) / len(both) == pytest.approx(per_mille / 1000, rel=0.3)
    rest = before.join(newer, on="Id", how="anti")
    assert rest.equals(after.join(newer, on="Id", how="anti"))


def test_a_follow_up_has_three_tenths_in_common_with_what_is_stored() -> None:
    """A fifth of its rows are stored records, a tenth new records of stored people."""
    stored = whole(PeopleFile(ROWS))
    after = whole(PeopleFile(ROWS, first=ROWS, stored_rows=ROWS))
    known = after.join(stored, on="Id", how="semi")
    assert len(known) / len(after) == pytest.approx(0.2, abs=0.02)
    newer = known.join(stored, on="Id", suffix="_stored").filter(
        pl.col("LastModifiedDate") > pl.col("LastModifiedDate_stored")
    )
    assert newer["Id"].n_unique() / known["Id"].n_unique() == pytest.approx(0.5, abs=0.1)
    by_email = after.filter(pl.col("Email") != "").join(
        stored.select(pl.col("Email").str.to_lowercase()).unique(),
        left_on=pl.col("Email").str.to_lowercase(),
        right_on="Email",
        how="semi",
    )
    assert len(by_email.join(stored, on="Id", how="anti")) / len(after) > 0.07
    one, next_one = (whole(PeopleFile(400, first=n, stored_rows=ROWS)) for n in (ROWS, ROWS + 400))
    assert not set(one["Id"]) & set(next_one["Id"])


def rows_of(url: str) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname <> 'teams'"
            " AND relname <> 'leadfold_migrations' AND relnamespace = 'public'::regnamespace"
        ).fetchall()
        return {
            name: sorted(
                row
                for (row,) in connection.execute(
                    sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(name))
                )
            )
            for (name,) in names
        }


@pytest.fixture
def empty(settings: Settings) -> Iterator[str]:
    """The address of a second migrated database."""
    name = "bench_floor"
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template_leadfold")
    parts = settings.database_url.rpartition("/test_")
    yield f"{parts[0]}/{name}{parts[2][parts[2].index('?') :]}"
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_the_floor_loads_what_the_import_gave(
    settings: Settings, empty: str, tmp_path: Path
) -> None:
    """Table by table, row by row, column by column; the single table has a row a record."""
    path = PeopleFile(ROWS).write(tmp_path / "people.csv")
    with warehouse.connected(settings) as connection:
        teams.add_team(connection, "acme")
    (outcome,) = run_import(Request(path, "acme", SOURCE), settings)
    assert outcome.status == "done", outcome.reason
    counts = floor.export(settings.database_url, tmp_path / "floor")
    assert {"imports", "import_issues", "leads", "personas", "identities"} <= counts.keys()
    assert counts["leads"] == outcome.counts.inserted
    # Each table by an index that refuses what is there, whatever makes it unique.
    script = (tmp_path / "floor" / "all.sql").read_text()
    assert script.count("ON CONFLICT") == len(counts) - 1  # not of import_issues
    claims = (tmp_path / "floor" / "identities.copy").read_text().splitlines()
    # In the order of its index.
    assert claims == sorted(claims, key=lambda line: (line.split("\t")[2], line.split("\t")[1]))
    call = floor.load(empty, tmp_path / "floor" / "all.sql")
    subprocess.run(call.arguments, check=True)
    assert rows_of(empty) == rows_of(settings.database_url)
    floor.make_single_table(empty)
    call = floor.load(empty, tmp_path / "floor" / "single.sql")
    subprocess.run(call.arguments, check=True)
    assert len(rows_of(empty)["single_people"]) == counts["leads"]


def test_the_first_import_its_floor_and_a_later_file_are_measured(tmp_path: Path) -> None:
    """The same calls as of a long run, on a server of their own, which leaves no files."""
    with running_server(tmp_path) as server:
        results = Results(rows=400, small=200, large=400)
        one = Bench(server, tmp_path, None, results, repetitions=1)
        one.grow(400, small_rows=200, repetitions=1)
    assert set(results.costs) == {(400, "first"), (400, "floor"), (200, "file_51")}
    for costs in results.costs.values():
        for cost in costs:
            assert min(cost.seconds, cost.client_bytes, cost.server_bytes, cost.wal_bytes) > 0
    assert results.counts[400, "first"]["rows_landed"] == 400
    assert results.counts[200, "file_51"]["rows_unchanged"] > 0
    assert {"start", "read", "normalise", "plan", "write"} <= results.steps[400][0].keys()
    assert not list((tmp_path / "files").iterdir())


@pytest.fixture
def results() -> Results:
    """Invented costs of everything."""
    found = Results(1000, 100, 5000, 20_000, {"python": "3"}, {"personas": (10, 500, 500)})
    cost = Cost(2.0, 100, 200, 300, ())
    for name in tables.NAMES:
        found.add(1000, name, cost)
    for seconds in (1.0, 5.0, 4.0):
        found.add(1000, "first", replace(cost, seconds=seconds, client_bytes=int(seconds)))
    for rows, seconds in ((100, 0.5), (5000, 10.0), (20_000, 50.0)):
        found.add(rows, "first", replace(cost, seconds=seconds, client_bytes=1_400_000_000))
        found.add(rows, "floor", replace(cost, seconds=seconds / 2))
        found.steps[rows].append({"read": 1.0})
    found.steps[1000] += [{"read": 1.0, "plan": 2.0}, {"read": 3.0, "plan": 2.0}]
    found.counts[1000, "first"] = {"rows_landed": 1000}
    return found


def test_the_json_has_what_a_later_run_is_compared_with(results: Results) -> None:
    """Its keys are stable; seconds are medians, memory is the peak; what is missing is null."""
    told = json.loads(json.dumps(results.to_json()))
    assert {"rows", "ratios", "client_peak_bytes", "seconds"} <= told.keys()
    assert (told["rows"], told["client_peak_bytes"]) == (1000, 100)
    assert told["seconds"]["first"] == 3.0
    ratios = told["ratios"]
    assert ratios["first_over_floor"] == 1.5
    assert ratios["dlt_job_over_first"] == pytest.approx(2 / 3)
    assert ratios["dlt_job_over_same"] == ratios["same_over_first"] * 1.5 == 1.0
    assert ratios["both_teams_over_sum"] == 0.4
    assert ratios["one_percent_over_first"] == pytest.approx(2 / 3)
    assert ratios["large_row_over_small_row"] == pytest.approx(10 / 5000 / (0.5 / 100))
    alone = Results(1000)
    alone.add(1000, "first", Cost(1, 1, 1, 1, ()))
    assert set(alone.to_json()["ratios"].values()) == {None}


def test_a_run_is_compared_with_an_earlier_one(results: Results) -> None:
    """Each ratio and each time, before and now; what one of the two lacks is no fault."""
    old = results.to_json()
    old["ratios"]["first_over_floor"] = 3.0
    del old["seconds"]["floor"]
    old["rows"] = 500
    lines = compare(results.to_json(), json.loads(json.dumps(old)))
    assert "500 rows" in lines[0]
    assert "| first_over_floor ratios | 3 | 1.5 | -50% |" in lines
    assert "| floor seconds | - | 2 | - |" in lines
    assert "| first seconds | 3 | 3 | +0% |" in lines


def test_tables_and_chart_show_every_figure(results: Results) -> None:
    """What holds and what does not is told; the chart is one SVG."""
    ratios = "\n".join(tables.ratio_lines(results))
    assert "| same_over_first | 1,000 | 0.67 | at most 0.35 | no |" in ratios
    assert "| client peak, growth | 20,000 / 5,000 | 1.00 | at most 1.3 | yes |" in ratios
    costs = "\n".join(tables.cost_lines(results))
    assert all(told in costs for told in tables.NAMES.values())
    assert "| 1,000 | 2.00 | 2.00 |" in "\n".join(tables.step_lines(results))
    assert "100 bytes per person" in "\n".join(tables.size_lines(results))
    assert "1,000" in "\n".join(tables.count_lines(results))
    drawn = draw(results)
    assert ElementTree.fromstring(drawn).tag.endswith("svg")
    assert "Leadfold, first import" in drawn


def test_a_size_is_a_multiple_of_a_round(capsys: pytest.CaptureFixture[str]) -> None:
    """Else the shares would not be as said."""
    with pytest.raises(SystemExit):
        bench.main(["--rows", "1001"])
    assert "no multiple of 20" in capsys.readouterr().err


def test_an_import_tells_how_long_its_steps_took(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --times, in words or with --json as ``seconds``; a flow's times are Prefect's."""
    monkeypatch.setenv("LEADFOLD_HOME", str(settings.home))
    monkeypatch.setenv("LEADFOLD_DATABASE_URL", settings.database_url)
    path = tmp_path / "good.csv"
    path.write_text("phone\n+14155552671\n")
    call = ["import", str(path), "--team", "acme", "--new-team", "--source", "generic", "--times"]
    told = json.loads(CliRunner().invoke(leadfold, [*call, "--json"]).stdout)
    assert list(told["seconds"]) == ["read", "normalise", "plan", "write", "commit"]
    assert "s, plan " in CliRunner().invoke(leadfold, call).stdout
    refused = CliRunner().invoke(leadfold, [*call, "--prefect"])
    assert "Leave out --times" in str(refused.exception) + refused.output
