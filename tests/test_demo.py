"""``make demo``, as a new user sees it."""

import io
from pathlib import Path

from rich.console import Console

from flows.demo import run_demo
from flows.settings import Settings
from transforms.plan import Counts


def test_the_demo_shows_what_the_readme_promises(server_home: Path) -> None:
    """Three files fold into people known from several; the second time nothing is written."""
    output = io.StringIO()
    outcomes = run_demo(Settings(server_home), Console(file=output, width=100))
    shown = output.getvalue()
    first, second, others = outcomes[:3], outcomes[3:6], outcomes[6:]
    for before, after in zip(first, second, strict=True):
        assert before.counts.inserted > 1800
        assert after.effects == {}
        assert after.counts == Counts(
            landed=before.counts.landed,
            rejected=before.counts.rejected,
            duplicate=before.counts.duplicate,
            unchanged=before.counts.inserted,
        )
    businesses, results, deliveries = others
    assert businesses.effects["businesses"] == {"insert": 150}
    assert businesses.effects["business_owners"]["insert"] > 100
    assert results.effects["skiptrace_results"] == {"insert": 150}
    assert deliveries.effects["import_deliveries"]["insert"] > 100
    assert deliveries.counts.duplicate > 50
    for promised in (
        *("Qualified", "From the web", "Traced owners", "Inbox"),
        "people stand in 3 files",
        "generic, hubspot, salesforce",
        "no_identity",
        "too_many_fields",
        "psql",
        "/leadfold_demo?host=",
    ):
        assert promised in shown
