"""The dashboard: sources compared, and whether the promises hold, as a page in Prefect."""

import base64
import re

import httpx
import psycopg
from prefect import flow

from flows.dashboard import KEY, publish_dashboard
from flows.settings import Settings
from tests.ledger_rows import add_import
from tests.prefect_server import LOGIN


def read_dashboard(api: str) -> str:
    found = httpx.get(f"{api}/artifacts/{KEY}/latest", auth=LOGIN).raise_for_status()
    return str(found.json()["data"])


def count_dashboards(api: str) -> int:
    """How many versions of the page the API holds: other tests publish it too."""
    asked = {"artifacts": {"key": {"any_": [KEY]}}}
    found = httpx.post(f"{api}/artifacts/count", json=asked, auth=LOGIN)
    return int(found.raise_for_status().text)


def test_the_dashboard_compares_sources(
    prefect_api: str, settings: Settings, connection: psycopg.Connection
) -> None:
    """A line a source, the one with the most rows first; what has not changed is not repeated."""
    publish = flow(lambda: publish_dashboard(settings), name="dashboard")
    publish()
    empty = read_dashboard(prefect_api)
    assert "No file was imported in these days." in empty
    assert empty.count("nothing to tell yet") == 2

    # Twice a day apart, so that the day's end between them changes nothing.
    for days_ago in (1, 2, 40):
        add_import(
            connection,
            days_ago,
            source="skiptrace",
            rows_inserted=60,
            rows_duplicate=30,
            rows_rejected=10,
            match={"new": 30, "phone": 30},
            effects={"personas": {"insert": 30}},
        )
    add_import(connection, source="a|b<c>*", rows_inserted=500, match={"new": 500})
    add_import(connection, source="skiptrace", status="failed")
    add_import(connection, source="skiptrace", status="held")
    add_import(connection, source="review", cause="review")
    publish()
    page = read_dashboard(prefect_api)
    lines = [line for line in page.splitlines() if line.startswith("| acme/")]
    assert lines == [
        r"| acme/a\|b\<c>\* | 1 | 0 | 0 | 500 | 0.0 % | 0.0 % | 10.0 |",
        "| acme/skiptrace | 2 | 1 | 1 | 200 | 30.0 % | 10.0 % | 10.0 |",
        r"| acme/a\|b\<c>\* | 0.0 % | 0.0 % | 0.0 % | 0.0 % | 100.0 % |",
        "| acme/skiptrace | 0.0 % | 0.0 % | 50.0 % | 0.0 % | 50.0 % |",
    ]
    assert "| under 0.1 % of new people are duplicates | 0.000 % | 60 people | yes |" in page
    assert "| 99.9 % of imports succeed | 75.000 % | 4 imports | **no** |" in page

    pictures = re.findall(r"!\[([^]]+)\]\(data:image/svg\+xml;base64,([^)]+)\)", page)
    assert len(pictures) == 4
    for title, data in pictures:
        svg = base64.b64decode(data).decode()
        assert title in svg
        assert svg.count("<circle") == 3  # two days of one source, one day of the other
    assert len(page) < 100_000
    published = count_dashboards(prefect_api)
    publish()
    assert count_dashboards(prefect_api) == published
