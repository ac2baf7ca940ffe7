"""A refold: a changed policy takes effect for all of a team, as an import of its own."""

import psycopg
import pytest
from psycopg.rows import dict_row

from contracts.registry import load_policy, parse_policy
from flows import ledger, refolding, teams
from flows.refolding import run_refold
from flows.settings import Settings
from tests.conftest import Import, snapshot


def rows(connection: psycopg.Connection, query: str) -> list[dict[str, object]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query).fetchall()


def change_file(monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    """The policy file says something else from now on."""
    changed = load_policy("default").model_copy(update=changes)
    monkeypatch.setattr(refolding, "load_policy", lambda _: parse_policy(changed.model_dump_json()))


def test_a_changed_policy_waits_for_a_refold(
    connection: psycopg.Connection,
    import_text: Import,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Golden records follow the new rules only then; the dry run tells the same and writes nothing;
    the second time there is nothing to do."""
    import_text("id,phone,city,updated_at\n1,415-555-2671,Bonn,2026-01-01\n", name="a.csv")
    import_text("id,phone,city,updated_at\n9,415-555-2671,Rome,2026-02-01\n", name="b.csv")
    change_file(monkeypatch, survive={**load_policy("default").survive, "city": "oldest"})
    import_text("id,phone,zip\n9,415-555-2671,94105\n", name="b.csv")
    query = "SELECT city, zip FROM personas"
    assert rows(connection, query) == [{"city": "Rome", "zip": "94105"}]
    before = snapshot(connection)
    dry = run_refold("acme", settings, is_dry_run=True)
    assert snapshot(connection) == before
    done = run_refold("acme", settings)
    assert (
        dry.effects
        == done.effects
        == {
            "personas": {"update": 1},
            "persona_versions": {"insert": 1},
        }
    )
    assert rows(connection, query) == [{"city": "Bonn", "zip": "94105"}]
    entry = ledger.find_import(connection, done.import_id)
    assert (entry.cause, entry.status, entry.counts.landed) == ("refold", "done", 0)
    assert teams.policy_of(teams.find_team(connection, "acme")).rule_of("city") == "oldest"
    again = snapshot(connection)
    assert run_refold("acme", settings).effects == {}
    assert {**snapshot(connection), "teams": []} == {**again, "teams": []}


def test_a_refold_changes_nothing_where_nothing_changed(
    connection: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """What imports left is what a refold computes, with edits, shared lines and ended records."""
    import_text(
        "id,first_name,phone,email,updated_at,deleted\n"
        "1,Ann,415-555-2671,ann@example.com,2026-01-01,\n"
        "2,Bob,415-555-2671,bob@example.com,2026-01-02,\n"
        "3,Cid,,cid@example.com,2026-01-03,yes\n"
        "4,Anna,,ann@example.com,,\n",
        name="a.csv",
    )
    connection.execute("UPDATE personas SET city = 'By Hand' WHERE first_name = 'Bob'")
    import_text("first_name,email,city\nBob,bob@example.com,Ulm\n", name="b.csv")
    before = snapshot(connection)
    assert run_refold("acme", settings).effects == {}
    assert {**snapshot(connection), "teams": []} == {**before, "teams": []}
    assert {"city": "By Hand"} in rows(connection, "SELECT city FROM personas")


def test_strict_phone_leaves_a_shared_phone_to_the_oldest(
    connection: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """Of those who shared it one keeps it; the others are candidates, and nobody is merged."""
    import_text(
        "first_name,phone,email\nAnn,415-555-2671,ann@example.com\n"
        "Bob,415-555-2671,bob@example.com\n"
    )
    run_refold("acme", settings, "strict_phone")
    found = rows(connection, "SELECT phone, is_phone_exclusive FROM personas ORDER BY phone")
    assert found == [
        {"phone": "+14155552671", "is_phone_exclusive": True},
        {"phone": None, "is_phone_exclusive": True},
    ]
    held = rows(connection, "SELECT is_exclusive FROM identities WHERE kind = 'phone'")
    assert held == [{"is_exclusive": True}]
    assert len(rows(connection, "SELECT guard FROM merge_candidates")) == 1
    run_refold("acme", settings, "default")
    assert rows(connection, "SELECT count(phone) AS n FROM personas") == [{"n": 1}]


def test_composite_keys_come_and_go_with_their_policy(
    connection: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """Under per_niche a phone is nobody's alone; back under the default it is again."""
    import_text("first_name,phone\nAnn,415-555-2671\n")
    run_refold("acme", settings, "per_niche")
    query = "SELECT kind, is_exclusive FROM identities ORDER BY kind"
    composite = {"kind": "device_id+user_id+phone+niche", "is_exclusive": True}
    assert rows(connection, query) == [composite, {"kind": "phone", "is_exclusive": False}]
    assert rows(connection, "SELECT is_phone_exclusive FROM personas") == [
        {"is_phone_exclusive": False}
    ]
    run_refold("acme", settings, "default")
    assert {"kind": "phone", "is_exclusive": True} in rows(connection, query)
