"""Events: what Prefect is told of an import, and that automations are triggered by it."""

import logging
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from prefect import flow

from flows import notices
from flows.jobs import Outcome, Request
from flows.ledger import find_import
from flows.run_imports import import_in_run
from flows.settings import Settings
from tests.conftest import Import
from tests.ledger_rows import add_import
from tests.prefect_server import LOGIN, wait_for
from transforms.plan import Counts
from transforms.spikes import Spike, find_spikes

USUAL = [Counts(landed=1000, duplicate=n, rejected=n) for n in (10, 20, 30, 20, 10)]


def make_counts(rows: int, duplicate: int = 0, rejected: int = 0) -> Counts:
    return Counts(rows, rejected, duplicate, rows - duplicate - rejected)


@pytest.mark.parametrize(
    ("counts", "before", "expected"),
    [
        (make_counts(1000, 61), USUAL, [Spike("duplicate", 61, 0.061, 0.02)]),
        (make_counts(1000, 60), USUAL, []),
        (make_counts(1000, 0, 61), USUAL, [Spike("rejected", 61, 0.061, 0.02)]),
        (make_counts(1000, 500, 500), USUAL, ["duplicate", "rejected"]),
        # Too little is known of the feed: imports without rows tell nothing.
        (make_counts(1000, 500), USUAL[:4], []),
        (make_counts(1000, 500), [*USUAL[:4], *[Counts()] * 9], []),
        # A median of zero: more than 1 % is asked for.
        (make_counts(1000, 11), [make_counts(1000)] * 5, ["duplicate"]),
        (make_counts(1000, 10), [make_counts(1000)] * 5, []),
        # Of few rows each is a large share.
        (make_counts(9, 9), [make_counts(1000)] * 5, []),
        (make_counts(10, 10), [make_counts(1000)] * 5, ["duplicate"]),
        (Counts(), USUAL, []),
        # A feed of which every second row is a duplicate cannot have three times as many.
        (make_counts(1000, 1000), [make_counts(1000, 500)] * 20, []),
    ],
)
def test_a_spike_is_beyond_three_times_the_feeds_own_median(
    counts: Counts, before: list[Counts], expected: list[Any]
) -> None:
    """A feed is compared with itself, and what chance explains is no spike."""
    found = list(find_spikes(counts, before))
    assert [each if isinstance(expected[0], Spike) else each.what for each in found] == expected


def find_events(api: str, **wanted: Any) -> list[dict[str, Any]]:
    """What the server has of events, the newest first."""
    found = httpx.post(f"{api}/events/filter", json={"filter": wanted, "limit": 50}, auth=LOGIN)
    return list(found.raise_for_status().json()["events"])


def events_of(api: str, import_id: str, name: str = notices.FINISHED) -> list[dict[str, Any]]:
    resource = {"id": [f"leadfold.import.{import_id}"]}
    return find_events(api, event={"name": [name]}, resource=resource)


def tell(connection: psycopg.Connection, settings: Settings, import_id: str) -> None:
    notices.tell_finished(Outcome.of_entry(find_import(connection, import_id)), settings)


def test_a_feed_is_compared_with_its_own_earlier_imports(
    prefect_api: str, settings: Settings, connection: psycopg.Connection
) -> None:
    """Other feeds, later imports and undone ones do not count; told twice is told once."""
    for _ in range(5):
        past = add_import(connection, rows_inserted=30)
        add_import(connection, rows_inserted=30, feed_id="other")
    bad = add_import(connection, rows_inserted=11, rows_duplicate=19)
    other = add_import(connection, source="hubspot", rows_inserted=11, rows_duplicate=19)
    tell(connection, settings, bad)
    tell(connection, settings, bad)
    tell(connection, settings, other)
    connection.execute(
        "UPDATE imports SET undone_by_import_id = %s WHERE import_id = %s", [other, past]
    )
    later = add_import(connection, rows_inserted=11, rows_duplicate=19, source_file="b")
    connection.execute("DELETE FROM imports WHERE import_id = %s", [bad])
    tell(connection, settings, later)
    # Events travel in order: what was told before is there when the last one is.
    wait_for(lambda: events_of(prefect_api, later))
    assert [len(events_of(prefect_api, each)) for each in (bad, other, later)] == [1, 1, 1]
    (spiked,) = events_of(prefect_api, bad, notices.SPIKED)
    assert spiked["payload"]["what"] == "duplicate"
    assert (spiked["payload"]["spiked_rows"], spiked["payload"]["usual_rate"]) == (19, 0)
    assert spiked["payload"]["compared_with"] == 5
    for each in (other, later):
        assert events_of(prefect_api, each, notices.SPIKED) == []


def test_what_cannot_be_told_does_not_harm_the_import(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """The database may be gone by then; the log says so."""
    lost = Settings(settings.home, "postgresql://nobody@127.0.0.1:1/none")
    with caplog.at_level(logging.WARNING, "leadfold"):
        notices.tell_finished(Outcome("import_x", "acme", "generic", "a.csv", "done"), lost)
    assert "import_x: Prefect was told nothing of it" in caplog.text


def test_an_automation_is_triggered_by_an_import(
    prefect_api: str,
    connection: psycopg.Connection,
    settings: Settings,
    import_text: Import,
    tmp_path: Path,
) -> None:
    """The event is found by name and resource, tells nothing of people, and a trigger fires."""
    automation = {
        "name": "acme's imports",
        "trigger": {
            "type": "event",
            "posture": "Reactive",
            "expect": [notices.FINISHED],
            "match": {"leadfold.team": "acme", "leadfold.status": ["done", "held"]},
            "threshold": 1,
            "within": 0,
        },
        "actions": [{"type": "do-nothing"}],
    }
    answer = httpx.post(
        f"{prefect_api}/automations/", json=automation, auth=LOGIN
    ).raise_for_status()
    path = tmp_path / "list.csv"
    path.write_text("name,phone,email\nAnn Zuckerwatte,415-555-2671,ann@z.example\nZed,12,\n")
    notices.tell_finished(import_text(path.read_text(), is_dry_run=True), settings)
    flow(lambda: import_in_run(Request(path, "acme", "generic"), settings), name="import")()
    ((import_id,),) = connection.execute("SELECT import_id FROM imports").fetchall()

    wait_for(lambda: events_of(prefect_api, import_id))
    (event,) = events_of(prefect_api, import_id)
    assert (event["payload"]["rows"]["inserted"], event["payload"]["rows"]["rejected"]) == (1, 1)
    assert event["payload"]["says"].startswith("Done: 2 rows: 1 new")
    roles = {each["prefect.resource.role"] for each in event["related"]}
    assert {"team", "source", "flow-run"} <= roles
    for secret in ("zuckerwatte", "5552671", "ann@", "zed"):
        assert secret not in str(event).lower()
    of_team = {"id": ["leadfold.team.acme"]}
    told = find_events(prefect_api, event={"name": [notices.FINISHED]}, related=of_team)
    assert import_id in {each["payload"]["import_id"] for each in told}
    assert "" not in {each["payload"]["import_id"] for each in told}

    fired = {"id": [f"prefect.automation.{answer.raise_for_status().json()['id']}"]}
    wait_for(
        lambda: find_events(
            prefect_api, event={"name": ["prefect.automation.triggered"]}, resource=fired
        )
    )
