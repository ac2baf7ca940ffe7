"""Metrics: what Prometheus reads of the ledger, and that counters never go down."""

import psycopg
import pytest
from click.testing import CliRunner
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from psycopg.types.json import Jsonb

from flows import teams
from flows.cli import leadfold
from flows.judgement_checks import start_judging
from flows.judging import run_judging
from flows.metrics import write_metrics
from flows.settings import Settings
from flows.undoing import run_undo
from tests.conftest import Import
from tests.ledger_rows import add_import


def parse(text: str) -> dict[str, Metric]:
    return {each.name: each for each in text_string_to_metric_families(text)}


def values(connection: psycopg.Connection) -> dict[tuple[str, ...], float]:
    """Every sample: (name, sorted label values) -> value."""
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for metric in parse(write_metrics(connection)).values()
        for sample in metric.samples
    }


def counters(connection: psycopg.Connection) -> dict[tuple[str, ...], float]:
    kinds = {name: metric.type for name, metric in parse(write_metrics(connection)).items()}
    return {
        key: value
        for key, value in values(connection).items()
        if kinds.get(key[0].removesuffix("_total")) == "counter"
        or key[0].endswith(("_seconds_sum", "_seconds_count"))
    }


def test_the_ledger_as_prometheus_reads_it(
    connection: psycopg.Connection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sums over imports that are done, whatever the names; each metric says what it is."""
    nasty = 'a "b" \\ \n c'
    for days_ago in (0, 100):
        add_import(
            connection,
            days_ago,
            source=nasty,
            rows_inserted=5,
            rows_duplicate=3,
            rows_rejected=2,
            match={"new": 4, "phone": 1, "source_record": 7},
            effects={"personas": {"insert": 4, "update": 1}},
        )
    add_import(connection, source=nasty, status="failed")
    add_import(connection, status="held", holds=[{"code": "header_drift"}])
    add_import(connection, status="running", source="auto")
    add_import(connection, source="review", cause="review", effects={"personas": {"insert": 9}})
    monkeypatch.setenv("LEADFOLD_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("LEADFOLD_HOME", str(settings.home))
    printed = CliRunner().invoke(leadfold, ["metrics"])
    assert printed.exit_code == 0
    found = parse(printed.output)
    assert all(metric.documentation and metric.type != "unknown" for metric in found.values())
    assert all(name.startswith("leadfold_") for name in found)
    said = values(connection)
    expected = {
        ("leadfold_rows_total", nasty, "acme", "inserted"): 10,
        ("leadfold_rows_total", nasty, "acme", "rejected"): 4,
        ("leadfold_duplicates_prevented_total", nasty, "acme", "row"): 6,
        ("leadfold_duplicates_prevented_total", nasty, "acme", "phone"): 2,
        ("leadfold_personas_created_total", nasty, "acme"): 8,
        ("leadfold_personas_updated_total", nasty, "acme"): 2,
        ("leadfold_imports_done_total", nasty, "acme"): 2,
        ("leadfold_imports", nasty, "acme", "failed"): 1,
        ("leadfold_imports", "generic", "acme", "held"): 1,
        ("leadfold_imports", "auto", "acme", "running"): 1,
        ("leadfold_import_duration_seconds_sum", nasty, "acme"): 20,
        ("leadfold_import_duration_seconds_count", nasty, "acme"): 2,
        # One done and one failed in the last 30 days.
        ("leadfold_import_success_ratio", nasty, "acme"): 0.5,
        ("leadfold_rejected_rows_ratio", nasty, "acme"): 0.2,
        ("leadfold_promise_import_success_ratio",): 0.5,
    }
    assert {key: said.get((key[0], *sorted(key[1:]))) for key in expected} == expected
    assert not [key for key in said if "review" in key or "source_record" in key]


def test_an_empty_ledger_has_no_figures(connection: psycopg.Connection) -> None:
    """A share of nothing is not told, rather than told as zero or as all."""
    assert values(connection) == {}


def test_counters_never_go_down(
    connection: psycopg.Connection, settings: Settings, import_text: Import
) -> None:
    """Not by a repeated file, an undo, pruning, or an import that is taken up again."""
    taken_up = add_import(connection, status="failed")
    held = add_import(connection, status="held", source="auto", holds=[{"code": "header_drift"}])
    steps = [
        lambda: import_text("phone,email\n4155552671,a@example.com\n,a@example.com\n"),
        lambda: import_text("phone,email\n4155552671,a@example.com\n,a@example.com\n"),
        lambda: run_undo(import_text("phone\n4155552675\n", name="b.csv").import_id, settings),
        lambda: connection.execute("UPDATE imports SET is_undoable = false"),
        lambda: connection.execute(
            "UPDATE imports SET status = 'running', source = 'hubspot' WHERE import_id = ANY(%s)",
            [[taken_up, held]],
        ),
    ]
    before = counters(connection)
    for step in steps:
        step()
        now = counters(connection)
        assert [key for key, value in before.items() if now.get(key, 0) < value] == []
        before = now
    assert before["leadfold_imports_done_total", "acme", "generic"] == 3


def test_duplicates_are_people_who_were_merged_later(
    connection: psycopg.Connection, settings: Settings, import_text: Import
) -> None:
    """The promise is about personas created in the last 30 days that turn out to be another."""
    import_text("record_id,name,phone\n1,Ann Lee,4155552671\n", name="a.csv")
    import_text("record_id,name,email\n2,Ann Lee,ann@example.com\n", name="b.csv")
    import_text("record_id,name,phone,email\n3,Ann Lee,4155552671,ann@example.com\n", name="c.csv")
    ratio = ("leadfold_promise_duplicate_personas_ratio",)
    assert values(connection)[ratio] == 0
    (pair,) = connection.execute("SELECT left_id, right_id FROM merge_candidates")
    team = teams.find_team(connection, "acme")
    run_judging(start_judging(team, {pair: "same"}, "eve"), settings)
    assert values(connection)[ratio] == 0.5
    assert values(connection)["leadfold_duplicate_personas_ratio", "acme"] == 0.5
    connection.execute("UPDATE personas SET created_at = now() - interval '31 days'")
    assert values(connection)[ratio] == 0
    connection.execute("UPDATE imports SET effects = %s", [Jsonb({})])
    assert ratio not in values(connection)
