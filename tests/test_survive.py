"""Survivorship across leads, by rule; and what an import writes down of each change."""

from datetime import UTC, datetime

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

import flows.folding
from contracts.errors import StalePlanError
from contracts.registry import load_policy
from flows import ledger
from tests.conftest import Import, snapshot

EMAIL = "a@example.com"


def rows(connection: psycopg.Connection, query: str) -> list[dict[str, object]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query).fetchall()


def set_rule(connection: psycopg.Connection, field: str, rule: str) -> None:
    policy = load_policy("default")
    policy = policy.model_copy(update={"survive": {**policy.survive, field: rule}})
    connection.execute(
        "UPDATE teams SET policy_rules = %s", [Jsonb(policy.model_dump(mode="json"))]
    )


def state(import_text: Import, source: str, record: str, city: str, clock: str, name: str) -> None:
    """One record of a source about the person of that email."""
    if source == "hubspot":
        header = "Record ID - Contact,Email,City,Last Modified Date\n"
    else:
        header = "id,email,city,updated_at\n"
    import_text(header + f"{record},{EMAIL},{city},{clock}\n", source, name)


@pytest.mark.parametrize(
    ("rule", "city"),
    [
        ("newest", "9"),  # the list's, of March
        ("oldest", "Ulm an der Donau"),  # without a clock, older than any
        ("fill", "10"),  # what landed first
        ("trusted", "10"),  # HubSpot's
        ("longest", "Ulm an der Donau"),
        ("max", "10"),  # as numbers, where they are some
    ],
)
def test_each_rule_picks_its_value_whatever_came_first(
    connection: psycopg.Connection, import_text: Import, rule: str, city: str
) -> None:
    """Three leads of one person; the rule alone decides, and the file again changes nothing."""
    set_rule(connection, "city", rule)
    state(import_text, "hubspot", "1", "10", "2026-02-01", "h.csv")
    state(import_text, "generic", "2", "9", "2026-03-01", "a.csv")
    state(import_text, "generic", "3", "Ulm an der Donau", "", "b.csv")
    assert rows(connection, "SELECT city FROM personas") == [{"city": city}]
    before = snapshot(connection)
    state(import_text, "generic", "3", "Ulm an der Donau", "", "b.csv")
    assert snapshot(connection) == before


@pytest.mark.parametrize(
    ("rule", "tags"), [("union", ["buyer", "Hot", "VIP"]), ("newest", ["VIP"])]
)
def test_tags_of_all_leads_are_one_list(
    connection: psycopg.Connection, import_text: Import, rule: str, tags: list[str]
) -> None:
    """Each tag once, in whatever case it comes; or those of the newest lead alone."""
    set_rule(connection, "tags", rule)
    import_text(f"id,email,tags,updated_at\n1,{EMAIL},Hot; buyer,2026-01-01\n", name="a.csv")
    import_text(f"id,email,tags,updated_at\n2,{EMAIL},VIP,2026-02-01\n", name="b.csv")
    import_text(f"id,email,tags\n3,{EMAIL},hot\n", name="c.csv")
    found = rows(connection, "SELECT tags FROM personas")[0]["tags"]
    assert found == tags


def test_a_chats_profile_name_fills_a_name_and_replaces_none(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """It follows the source in a field of its own; the person's name it only fills."""
    delivery = (
        '{"payload": {"device_id": "d", "user_id": "u", "phone": "14155552671", "niche": "n",'
        ' "conversation_id": "c1", "profile_name": "%s"},'
        ' "delivered_at": "2026-01-0%dT10:00:00Z"}\n'
    )
    query = "SELECT full_name, first_name, profile_name FROM personas"
    import_text(delivery % ("Annie B", 1), "device_webhook", "a.jsonl")
    assert rows(connection, query) == [
        {"full_name": "Annie B", "first_name": None, "profile_name": "Annie B"}
    ]
    import_text("first_name,last_name,phone\nAnn,Lee,415-555-2671\n")
    import_text(delivery % ("Queen B", 2), "device_webhook", "b.jsonl")
    assert rows(connection, query) == [
        {"full_name": None, "first_name": "Ann", "profile_name": "Queen B"}
    ]
    assert rows(connection, "SELECT conversation_id FROM leads WHERE profile_name <> ''") == [
        {"conversation_id": "c1"}
    ]


def test_what_changed_on_a_lead_is_told_as_activity(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """A status, a note and the rest, each in words; a redelivery tells and moves nothing."""
    header = "id,email,city,status,notes,user_id,updated_at\n"
    import_text(header + f"1,{EMAIL},Bonn,New,,u7,2026-01-01\n")
    assert rows(connection, "SELECT * FROM lead_activities") == []
    import_text(header + f"1,{EMAIL},Ulm,Won,called twice,u7,2026-02-01\n")
    query = "SELECT activity_type, description, user_id FROM lead_activities ORDER BY 1"
    told = [
        ("import_update", "Changed: city"),
        ("note_added", "called twice"),
        ("status_change", "Status: New -> Won"),
    ]
    assert [
        (each["activity_type"], each["description"]) for each in rows(connection, query)
    ] == told
    assert {each["user_id"] for each in rows(connection, query)} == {"u7"}
    import_text(header + f"1,{EMAIL},Ulm,Won,called twice,u7,2026-02-01\n")
    import_text(header + f"1,{EMAIL},Rome,Lost,,u7,2025-01-01\n")
    assert len(rows(connection, query)) == len(told)
    newest = datetime(2026, 2, 1, tzinfo=UTC)
    assert rows(connection, "SELECT last_activity_at FROM leads") == [{"last_activity_at": newest}]


def test_a_delivery_that_changes_a_lead_is_a_webhook_update(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """The contract says that its rows are deliveries."""
    delivery = (
        '{"delivery_id": "%s", "delivered_at": "2026-01-0%sT10:00:00Z", "payload":'
        ' {"external_crm_id": "7", "email": "a@example.com", "city": "City %s"}}\n'
    )
    import_text(delivery % (1, 1, 1), "webhook_lead", "a.jsonl")
    import_text(delivery % (2, 2, 2), "webhook_lead", "b.jsonl")
    assert rows(connection, "SELECT activity_type FROM lead_activities") == [
        {"activity_type": "webhook_update"}
    ]


def test_statements_and_changes_are_kept_by_import(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """A lead that was stated once is its own statement; from the second on each is kept. A change
    of a person is kept with before, after, rule and source."""
    header = "id,email,city,zip,updated_at\n"
    first = import_text(header + f"1,{EMAIL},Bonn,53113,2026-01-01\n")
    assert rows(connection, "SELECT * FROM lead_versions") == []
    second = import_text(header + f"1,{EMAIL},Ulm,,2026-02-01\n")
    assert rows(connection, "SELECT import_id, city, zip FROM lead_versions ORDER BY clock") == [
        {"import_id": first.import_id, "city": "Bonn", "zip": "53113"},
        {"import_id": second.import_id, "city": "Ulm", "zip": None},
    ]
    third = import_text(header + f"1,{EMAIL},Rome,,2026-03-01\n")
    assert rows(connection, "SELECT import_id FROM lead_versions ORDER BY clock")[2:] == [
        {"import_id": third.import_id}
    ]
    query = "SELECT import_id, previous_import_id, change, changes FROM persona_versions ORDER BY 1"
    changed = rows(connection, query)
    assert [(each["import_id"], each["previous_import_id"]) for each in changed] == [
        (second.import_id, first.import_id),
        (third.import_id, second.import_id),
    ]
    assert changed[0]["change"] == "update"
    assert changed[0]["changes"] == {
        "city": {
            "before": "Bonn",
            "after": "Ulm",
            "rule": "newest",
            "source": "generic",
            "source_file": "generic/list.csv",
            "source_record_id": "1",
        }
    }


def test_what_others_got_in_the_way_of_is_counted_in_the_ledger(
    connection: psycopg.Connection, import_text: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Per constraint, and row versions by that name."""
    real, met = flows.folding.apply, []

    def meet(*arguments: object) -> None:
        if len(met) < 2:
            met.append(arguments)
            connection.execute(
                "INSERT INTO personas (team_id, phone) VALUES ('acme', %s)",
                [f"+1415555267{len(met)}"],
            )
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(flows.folding, "apply", meet)
    monkeypatch.setattr("flows.trying._BACKOFF_SECONDS", 0)
    outcome = import_text("first_name,phone\nAnn,415-555-2671\nBob,415-555-2672\n")
    assert outcome.status == "done"
    entry = ledger.find_import(connection, outcome.import_id)
    assert sum(entry.conflicts.values()) == 2
    assert set(entry.conflicts) <= {
        "personas_phone_unique_idx",
        "identities_exclusive_unique_idx",
        "row_version",
    }
    assert StalePlanError("").conflict == "row_version"
