"""The nightly sync: what feeds deliver comes in, each file exactly once, and the run says so."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State

from flows import cli, held, ledger, teams
from flows.feed_schedules import sync_schedules
from flows.feeds import find_feed
from flows.held import Decision
from flows.nightly_sync import nightly_sync
from flows.settings import Settings
from tests.conftest import snapshot
from tests.prefect_pages import newest_page

FILES = int(os.environ.get("LEADFOLD_FEED_FILES", "10"))
HEADER = "Record ID,First Name,Phone Number,Last Modified Date\n"
START = 1_700_000_000


@pytest.fixture(autouse=True)
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADFOLD_HOME", str(settings.home))
    monkeypatch.setenv("LEADFOLD_DATABASE_URL", settings.database_url)


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> Call:
    """Runs ``leadfold`` in this process: exit code, standard output, standard error."""

    def do(*arguments: str) -> tuple[int, str, str]:
        code = 0
        try:
            cli.main(arguments)
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capfd.readouterr()
        return code, out, err

    return do


def write_feeds(settings: Settings, *feeds: str) -> None:
    settings.home.mkdir(exist_ok=True)
    text = "".join(f"- {{{feed}}}\n" for feed in feeds)
    (settings.home / "feeds.yaml").write_text(f"feeds:\n{text}")


def deliver(settings: Settings, path: str, text: str | bytes, at: int = 0) -> Path:
    """Put a file into a feed's folder, last changed ``at`` seconds after the others."""
    target = settings.home / "feeds" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text.encode() if isinstance(text, str) else text)
    os.utime(target, (START + at, START + at))
    return target


def phone(number: int) -> str:
    return f"+1415555{2000 + number}"


def people(*numbers: int) -> str:
    """A list of these people."""
    return "first_name,phone\n" + "".join(f"Ann{n},{phone(n)}\n" for n in numbers)


def records(*numbers: int) -> str:
    """A HubSpot export of these people."""
    return HEADER + "".join(f"{n},Ann,{phone(n)},2026-01-01 10:00\n" for n in numbers)


MANY_REJECTS = people(*range(900, 960)) + "".join(f"Bad{n},12\n" for n in range(10))


def imports(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    return connection.execute(
        "SELECT feed_id, file_name, status FROM imports ORDER BY started_at"
    ).fetchall()


def run(*names: str) -> State[None]:
    return nightly_sync(list(names), return_state=True)


def test_three_feeds_with_two_broken_files_and_one_delivered_twice(
    prefect_api: str, settings: Settings, connection: psycopg.Connection
) -> None:
    """All but the broken ones are in, once, in their order; run again, nothing is done."""
    teams.add_team(connection, "beta")
    write_feeds(
        settings,
        "id: acme-lists, team: acme, source: generic, location: feeds/lists",
        "id: acme-hubspot, team: acme, source: hubspot, location: feeds/hubspot, mode: snapshot,"
        " policy: {max_delete_rate: 1.0}",
        "id: beta-lists, team: beta, source: auto, location: feeds/beta",
        "id: beta-old, active: false, team: beta, source: generic, location: feeds/old",
    )
    for n in range(FILES):
        deliver(settings, f"lists/list_{n:03}.csv", people(n, n + 1), n)
        # Their names would have them the other way round: of when a file is, its time says.
        deliver(settings, f"hubspot/day_{FILES - n:03}.csv", records(n, n + 1, n + 2), n)
        deliver(settings, f"beta/list_{n:03}.csv", people(n * 2, n * 2 + 1), n)
        deliver(settings, f"old/list_{n:03}.csv", people(800), n)
    deliver(settings, "lists/list_003.csv", b"%PDF-1.7 ...", 3)
    deliver(settings, "lists/list_007.csv", people(6, 7), 7)  # what list_006 says
    deliver(settings, "beta/list_005.csv", MANY_REJECTS, 5)

    state = run()

    assert state.is_failed()
    assert state.message is not None
    assert state.message.startswith(f"acme-lists: 1 of {FILES} files failed: list_003.csv:")
    assert f"beta-lists: 1 of {FILES} files held: list_005.csv:" in state.message
    counted = f"{3 * FILES - 3} done, 1 failed, 1 delivered again, 1 held"
    assert f"3 feeds: {3 * FILES} new files, {counted}" in state.message
    done = imports(connection)
    assert len(done) == 3 * FILES - 1
    assert [status for *_, status in done].count("done") == 3 * FILES - 3
    assert [name for feed, name, _ in done if feed == "acme-hubspot"] == [
        f"day_{FILES - n:03}.csv" for n in range(FILES)
    ]
    # A snapshot ends the records that it lacks: those of the last one are left.
    assert connection.execute(
        "SELECT count(*) FROM leads WHERE source_file LIKE 'hubspot/%' AND NOT is_missing"
    ).fetchone() == (3,)
    told = newest_page("nightly-sync")
    assert f"| acme-lists | {FILES} | {FILES - 2} | 0 | 1 |" in told
    assert f"| beta-lists | {FILES} | {FILES - 1} | 1 | 0 |" in told
    assert "the same as list\\_006.csv" in told.lower()
    assert "555" not in told

    before = snapshot(connection)
    again = run()
    assert again.is_completed()
    assert again.message is not None
    assert again.message.startswith("3 feeds: nothing new.")
    assert "acme-lists: 1 file of before waits to be delivered anew." in again.message
    assert "beta-lists: 1 file of before waits for a decision." in again.message
    assert imports(connection) == done
    assert snapshot(connection) == before


def test_a_feed_that_stops_goes_on_when_the_file_is_decided_about(
    prefect_api: str, settings: Settings, connection: psycopg.Connection
) -> None:
    """What comes later waits; the decision goes by what the feed says."""
    write_feeds(
        settings,
        "id: stopping, team: acme, source: generic, location: feeds/a, on_failure: stop,"
        " policy: {on_missing: reject, max_reject_rate: 0.01}",
    )
    deliver(settings, "a/1.csv", MANY_REJECTS, 1)
    deliver(settings, "a/2.csv", people(1), 2)
    assert run().is_failed()
    again = run()
    assert again.is_failed()
    assert again.message is not None
    assert again.message.startswith("stopping stands still at 1.csv. 1 feed: nothing new.")
    assert "stops at 1.csv, as it is to do on a failure. 1 behind it wait." in again.message
    ((_, _, status),) = imports(connection)
    assert status == "held"

    (entry,) = ledger.list_imports(connection)
    outcome = held.decide(entry.import_id, Decision("apply", "eve"), settings)
    # The feed takes only people who are there, and nobody is.
    assert (outcome.status, outcome.counts.inserted) == ("done", 0)
    assert run().message == "1 feed: 1 new file, 1 done."


def test_a_file_is_known_by_its_content(
    settings: Settings, connection: psycopg.Connection, call: Call
) -> None:
    """Touched or delivered again, it is not imported again; changed, or fallen back, it is."""
    write_feeds(settings, "id: daily, team: acme, source: generic, location: feeds/a")
    for at, (text, files) in enumerate(
        [(people(1), 1), (people(1), 1), (people(2), 2), (people(1), 3)]
    ):
        deliver(settings, "a/daily.csv", text, at)
        assert call("sync", "daily")[0] == 0
        assert len(imports(connection)) == files
    deliver(settings, "a/copy.csv", people(1), 9)
    code, out, _ = call("sync", "--json")
    assert (code, '"status": "repeated"' in out) == (0, True)
    assert len(imports(connection)) == 3


def test_a_snapshot_of_before_is_refused(
    settings: Settings, connection: psycopg.Connection, call: Call
) -> None:
    """It would end the records that came since."""
    write_feeds(settings, "id: crm, team: acme, source: hubspot, location: feeds/a, mode: snapshot")
    deliver(settings, "a/new.csv", records(1, 2), 2)
    assert call("sync")[0] == 0
    deliver(settings, "a/late.csv", records(1), 1)
    code, out, _ = call("sync")
    assert "crm, late.csv: refused: It is older than new.csv" in out
    assert (code, len(imports(connection))) == (0, 1)


def test_killed_and_repeated_it_takes_each_file_once(
    settings: Settings, connection: psycopg.Connection, call: Call
) -> None:
    """A crash between an import and its note is repaired: the same import is asked for again."""
    write_feeds(settings, "id: crashing, team: acme, source: generic, location: feeds/a")
    for n in range(3):
        deliver(settings, f"a/{n}.csv", people(n), n)
    # Where the second file is in, and not noted.
    code = (
        "import os, flows.feed_files as f, flows.cli as cli\n"
        "close, calls = f.FeedFiles.close, []\n"
        "def dying(self, *given):\n"
        "    calls.append(given)\n"
        "    os.kill(os.getpid(), 9) if len(calls) == 2 else close(self, *given)\n"
        "f.FeedFiles.close = dying\n"
        "cli.main(['sync'])\n"
    )
    died = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert died.returncode == -9
    assert [status for *_, status in imports(connection)] == ["done", "done"]
    code_again, out, _ = call("sync")
    assert (code_again, "2 new files, 2 done" in out) == (0, True)
    assert [name for _, name, _ in imports(connection)] == ["0.csv", "1.csv", "2.csv"]
    assert list(settings.work.iterdir()) == []


def test_what_is_wrong_with_one_feed_does_not_keep_the_others(
    settings: Settings, connection: psycopg.Connection, call: Call
) -> None:
    """A team or a folder that is not there fails its feed alone."""
    write_feeds(
        settings,
        "id: teamless, team: acmee, source: generic, location: feeds/a",
        "id: homeless, team: acme, source: generic, location: feeds/nowhere",
        "id: good, team: acme, source: generic, location: feeds/a",
    )
    deliver(settings, "a/1.csv", people(1))
    code, out, _ = call("sync")
    assert code == 1
    assert "teamless: Unknown team 'acmee'. Did you mean 'acme'?" in out
    assert "homeless: feeds/nowhere: there is no such folder." in out
    assert imports(connection) == [("good", "1.csv", "done")]
    code, out, err = call("feeds", "--check")
    assert (code, "good: reached, 1 file there." in out) == (1, True)
    assert "homeless: feeds/nowhere: there is no such folder." in err


def test_a_file_for_a_feed_is_read_as_the_feed_says(
    settings: Settings, connection: psycopg.Connection, call: Call
) -> None:
    """One for an unknown, an inactive or another team's feed is refused, and nothing imported."""
    teams.add_team(connection, "beta")
    write_feeds(
        settings,
        "id: lists, team: acme, source: generic, location: feeds/a, policy: {on_missing: reject}",
        "id: past, active: false, team: acme, source: generic, location: feeds/a",
    )
    path = str(deliver(settings, "elsewhere/1.csv", people(1)))
    for arguments, told in [
        (("--feed", "list"), "Unknown feed 'list'. Did you mean 'lists'?"),
        (("--feed", "past"), "Feed 'past' is not active"),
        (("--feed", "lists", "--team", "beta"), "a file for team 'beta' is none of it"),
        (("--feed", "lists", "--source", "hubspot"), "is of source generic"),
    ]:
        code, _, err = call("import", path, *arguments)
        assert (code, told in err) == (2, True), err
    assert call("sync", "past")[0] == 2
    assert imports(connection) == []
    assert call("import", path, "--feed", "lists")[0] == 0
    (entry,) = ledger.list_imports(connection)
    assert (entry.feed_id, entry.rows_rejected) == ("lists", 1)
    assert find_feed(settings, "lists", "acme").policy.on_missing == "reject"


def test_a_feed_with_a_schedule_of_its_own_is_looked_at_then(
    prefect_api: str, settings: Settings, connection: psycopg.Connection
) -> None:
    """Its deployment gets a schedule with the feed as its parameter; the others come at night."""
    schedule = "schedule: {cron: 15 6 * * 1-5, timezone: Europe/Berlin}"
    early = f"id: early, team: acme, source: generic, location: feeds/a, {schedule}"
    write_feeds(settings, early, "id: night, team: acme, source: generic, location: feeds/b")
    assert sync_schedules(settings) == []  # there is no deployment
    asyncio.run(deploy())
    assert sync_schedules(settings) == ["early"]
    assert sync_schedules(settings) == []
    ((slug, parameters, cron, zone),) = asyncio.run(schedules())
    assert (slug, parameters) == ("feed-early", {"feeds": ["early"]})
    assert (cron, zone) == ("15 6 * * 1-5", "Europe/Berlin")
    deliver(settings, "a/1.csv", people(1))
    deliver(settings, "b/2.csv", people(2))
    assert run().is_completed()
    assert [name for _, name, _ in imports(connection)] == ["2.csv"]
    assert run("early").is_completed()
    assert [name for _, name, _ in imports(connection)] == ["2.csv", "1.csv"]
    write_feeds(settings, early.replace("15 6", "45 5"))
    assert sync_schedules(settings) == ["early"]
    assert [cron for _, _, cron, _ in asyncio.run(schedules())] == ["45 5 * * 1-5"]
    write_feeds(settings)
    assert sync_schedules(settings) == ["early"]
    assert asyncio.run(schedules()) == []


async def deploy() -> None:
    async with get_client() as client:
        flow_id = await client.create_flow(nightly_sync)
        await client.create_deployment(flow_id, "nightly-sync")


async def schedules() -> list[tuple[object, ...]]:
    async with get_client() as client:
        deployment = await client.read_deployment_by_name("nightly-sync/nightly-sync")
        return [
            (each.slug, each.parameters, each.schedule.cron, each.schedule.timezone)
            for each in deployment.schedules
        ]
