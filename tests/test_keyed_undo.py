"""Undo where several imports speak of a row, where its key was taken, where people go with it."""

import json
from typing import Any

import psycopg
import pytest

from flows import teams
from flows.erasing import run_erase
from flows.settings import Settings
from flows.undoing import run_undo
from tests.conftest import Import, snapshot

MESSAGES = "external_id,status,body\nm-1,sent,Hi\n"
PEOPLE = "name,phone,record id\nAnn Lee,415-555-2671,r-1\nBob Ray,415-555-2672,r-2\n"


def rows(connection: psycopg.Connection, select: str) -> list[tuple[Any, ...]]:
    """The answer, in order; nothing is left open."""
    found = sorted(connection.execute(select).fetchall())
    connection.commit()
    return found


@pytest.fixture
def tables(connection: psycopg.Connection) -> Any:
    """What keyed tables and people hold, without who wrote it and when."""
    names = ("messages", "skiptrace_results", "properties", "lead_activities", "personas", "leads")
    hidden = "ARRAY['import_id', 'updated_at', 'created_at']"

    def read() -> dict[str, list[tuple[Any, ...]]]:
        return {
            name: rows(connection, f"SELECT (to_jsonb(t) - {hidden})::text FROM {name} AS t")
            for name in names
        }

    return read


def test_a_row_that_two_files_state_stays_until_both_are_undone(
    import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """The second wrote nothing, and the row is its own, too; each undo can be undone."""
    select = "SELECT external_id, status, body FROM messages"
    said = [("m-1", "sent", "Hi")]
    first = import_text(MESSAGES, "messages", "a.csv")
    second = import_text(MESSAGES, "messages", "b.csv")
    assert second.effects == {}
    undone_first = run_undo(first.import_id, settings)
    assert rows(connection, select) == said
    undone_second = run_undo(second.import_id, settings)
    assert rows(connection, select) == []
    run_undo(undone_second.import_id, settings)
    assert rows(connection, select) == said
    run_undo(undone_first.import_id, settings)
    run_undo(second.import_id, settings)
    assert rows(connection, select) == said
    run_undo(first.import_id, settings)
    assert rows(connection, select) == []


def test_the_second_may_be_undone_first(
    import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """Then it says nothing any more, until its undo is undone."""
    select = "SELECT external_id FROM messages"
    first = import_text(MESSAGES, "messages", "a.csv")
    second = import_text(MESSAGES, "messages", "b.csv")
    undone_second = run_undo(second.import_id, settings)
    run_undo(first.import_id, settings)
    assert rows(connection, select) == []
    run_undo(undone_second.import_id, settings)
    assert rows(connection, select) == [("m-1",)]


def test_where_the_first_row_stays_the_second_file_has_it_once_the_first_is_undone(
    import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """As if the first had not been, though a conflict does nothing in that table."""
    select = "SELECT external_id, activity_type FROM lead_activities WHERE external_id IS NOT NULL"
    import_text(PEOPLE)
    header = "phone,external_id,activity_type\n415-555-2671,a-1,"
    first = import_text(f"{header}call\n", "lead_activities", "a.csv")
    import_text(f"{header}note\n", "lead_activities", "b.csv")
    assert rows(connection, select) == [("a-1", "call")]
    undone = run_undo(first.import_id, settings)
    assert rows(connection, select) == [("a-1", "note")]
    run_undo(undone.import_id, settings)
    assert rows(connection, select) == [("a-1", "call")]


def test_a_repeat_without_a_time_counts_too(
    import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """It says the same as what was said at some time."""
    import_text(PEOPLE)
    header, said = "phone,campaign_id,updated_at", "415-555-2671,spring,"
    first = import_text(f"{header}\n{said}2026-01-02\n", "campaign_leads", "a.csv")
    second = import_text(f"{header}\n{said}\n", "campaign_leads", "b.csv")
    assert second.effects == {}
    run_undo(first.import_id, settings)
    assert rows(connection, "SELECT campaign_id FROM campaign_leads") == [("spring",)]


def test_rows_beside_known_records_are_stated_again_too(
    import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """Of a file whose people are known as they are, the deliveries count as well."""
    said = {"delivery_id": "d-1", "delivered_at": "2026-01-02T10:00:00Z", "external_crm_id": "7"}
    text = json.dumps({**said, "firstname": "Ann", "phone_number": "415-555-2671"}) + "\n"
    first = import_text(text, "webhook_lead", "a.jsonl")
    second = import_text(text, "webhook_lead", "a.jsonl")
    assert second.effects == {}, second
    run_undo(first.import_id, settings)
    assert rows(connection, "SELECT delivery_id FROM import_deliveries") == [("d-1",)]
    run_undo(second.import_id, settings)
    assert rows(connection, "SELECT delivery_id FROM import_deliveries") == []


def test_a_row_whose_key_was_taken_meanwhile_becomes_that_row(
    import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """Both imports speak of it then, and either can be undone."""
    select = "SELECT external_id, status, body FROM messages"
    first = import_text(MESSAGES, "messages", "a.csv")
    undone = run_undo(first.import_id, settings)
    second = import_text("external_id,status\nm-1,read\n", "messages", "b.csv")
    again = run_undo(undone.import_id, settings)
    assert again.status == "done", again
    assert rows(connection, select) == [("m-1", "read", "Hi")]
    undone_second = run_undo(second.import_id, settings)
    assert rows(connection, select) == [("m-1", "sent", "Hi")]
    run_undo(undone_second.import_id, settings)
    run_undo(first.import_id, settings)
    assert rows(connection, select) == [("m-1", "read", None)]


def test_a_key_that_another_team_has_taken_is_told(
    import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """Nothing is told of that team, and the undo does what it can."""
    first = import_text(MESSAGES + "m-2,sent,Ho\n", "messages", "a.csv")
    undone = run_undo(first.import_id, settings)
    teams.add_team(connection, "globex")
    connection.commit()
    import_text(MESSAGES, "messages", "b.csv", team="globex")
    again = run_undo(undone.import_id, settings)
    assert again.status == "done", again
    assert [(each["name"], each["why"]) for each in again.kept] == [("m-1", "its key is taken")]
    assert rows(connection, "SELECT team_id, external_id FROM messages") == [
        ("acme", "m-2"),
        ("globex", "m-1"),
    ]


def test_rows_about_people_who_go_go_with_them_and_come_back(
    import_text: Import, connection: psycopg.Connection, settings: Settings, tables: Any
) -> None:
    """What can be without a person stays, and refers to nobody meanwhile."""
    people = import_text(PEOPLE)
    phone = "415-555-2671"
    import_text(f"phone,provider,success\n{phone},batch,yes\n", "skiptrace_results", "s.csv")
    import_text(f"phone,external_id,status\n{phone},m-1,sent\n", "messages", "m.csv")
    import_text(f"phone,external_id,source,city\n{phone},p-1,mls,Reno\n", "properties", "p.csv")
    import_text(f"phone,external_id,activity_type\n{phone},a-1,call\n", "lead_activities", "a.csv")
    before = tables()
    undone = run_undo(people.import_id, settings)
    assert undone.status == "done", undone
    assert rows(connection, "SELECT persona_id FROM personas") == []
    assert rows(connection, "SELECT provider FROM skiptrace_results") == []
    assert rows(connection, "SELECT external_id FROM lead_activities") == []
    assert rows(connection, "SELECT external_id, persona_id FROM messages") == [("m-1", None)]
    assert rows(connection, "SELECT external_id, city, persona_id FROM properties") == [
        ("p-1", "Reno", None)
    ]
    # Who goes is not brought back by what comes in later.
    later = import_text("external_id,status\nm-1,read\n", "messages", "later.csv")
    assert rows(connection, "SELECT status, persona_id FROM messages") == [("read", None)]
    run_undo(later.import_id, settings)
    run_undo(undone.import_id, settings)
    assert tables() == before


def test_a_dry_run_of_an_undo_tells_what_goes_with_people(
    import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """And writes nothing."""
    people = import_text(PEOPLE)
    import_text("phone,provider,success\n415-555-2671,batch,yes\n", "skiptrace_results", "s.csv")
    before = snapshot(connection)
    told = run_undo(people.import_id, settings, is_dry_run=True)
    assert told.changes is not None
    assert told.changes.counts["skiptrace_results"] == {"delete": 1}
    assert snapshot(connection) == before


def test_what_was_sent_is_not_queued_again_by_the_same_feed(
    import_text: Import, connection: psycopg.Connection
) -> None:
    """A retry contacts nobody twice, under whatever name; another time does."""
    import_text(PEOPLE)
    import_text("phone,total_score\n415-555-2671,1\n", "unified_lead_cards", "cards.csv")
    header = "phone,agent,channel,scheduled_at\n415-555-2671,sam,sms,"
    queue = f"{header}2026-01-02T10:00:00Z\n"
    import_text(queue, "campaign_queue", "queue.csv")
    connection.execute("UPDATE campaign_queue SET status = 'sent'")
    connection.commit()
    again = import_text(queue, "campaign_queue", "queue.csv")
    assert again.effects == {}
    assert again.counts.unchanged == 1
    import_text(f"{header}2026-02-02T10:00:00Z\n", "campaign_queue", "queue.csv")
    assert rows(connection, "SELECT status FROM campaign_queue") == [("pending",), ("sent",)]
    connection.execute("UPDATE campaign_queue SET status = 'sent'")
    connection.commit()
    assert import_text(queue, "campaign_queue", "other.csv").effects == {}


@pytest.mark.parametrize(
    ("phones", "held"), [("12", "2"), ("121", "1"), ("1212", "2"), ("112", "2")]
)
def test_what_a_file_says_several_times_of_a_row_stays_in_order(
    phones: str,
    held: str,
    import_text: Import,
    connection: psycopg.Connection,
    settings: Settings,
) -> None:
    """Taken over by the file that repeats it, and given back."""
    said = "".join(f"b-1,Acme,415-555-267{each}\n" for each in phones)
    text = f"source_record_id,name,phone\n{said}"
    select = "SELECT phone FROM businesses"
    first = import_text(text, "businesses", "b.csv")
    assert rows(connection, select) == [(f"+1415555267{held}",)]
    second = import_text(text, "businesses", "b.csv")
    assert second.effects == {}
    undone = run_undo(first.import_id, settings)
    assert undone.status == "done", undone
    assert rows(connection, select) == [(f"+1415555267{held}",)]
    run_undo(undone.import_id, settings)
    run_undo(second.import_id, settings)
    again = run_undo(first.import_id, settings)
    assert rows(connection, select) == []
    run_undo(again.import_id, settings)
    assert rows(connection, select) == [(f"+1415555267{held}",)]


def test_what_is_known_is_said_anew_beside_what_is_new(
    import_text: Import, connection: psycopg.Connection
) -> None:
    """A value goes back though the row's last line says nothing of it."""
    header = "source_record_id,name,phone,city\n"
    for name, said in (
        ("a.csv", "b-1,Acme,415-555-2671,\n"),
        ("b.csv", "b-1,Acme,415-555-2672,\n"),
        ("c.csv", "b-1,Acme,415-555-2671,\nb-1,Acme,,Reno\n"),
    ):
        import_text(header + said, "businesses", "b.csv")
        assert import_text(header + said, "businesses", "b.csv").effects == {}, name
    assert rows(connection, "SELECT phone, city FROM businesses") == [("+14155552671", "Reno")]


def test_a_repeat_counts_though_the_person_is_gone_meanwhile(
    import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """The row is known by what was said of it, not by what is left of that."""
    people = import_text(PEOPLE)
    text = "phone,external_id,status\n415-555-2671,m-1,sent\n"
    first = import_text(text, "messages", "a.csv")
    import_text(text, "messages", "a.csv")
    gone = run_undo(people.import_id, settings)
    run_undo(first.import_id, settings)
    assert rows(connection, "SELECT external_id, persona_id FROM messages") == [("m-1", None)]
    run_undo(gone.import_id, settings)
    assert rows(
        connection,
        "SELECT external_id, first_name FROM messages JOIN personas USING (team_id, persona_id)",
    ) == [("m-1", "Ann")]


def test_what_was_undone_about_somebody_goes_when_they_are_erased(
    import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """Also texts that do not name them."""
    import_text(PEOPLE)
    text = 'phone,provider,success,raw_response\n415-555-2671,batch,yes,"{""kin"": 1}"\n'
    traced = import_text(text, "skiptrace_results", "s.csv")
    run_undo(traced.import_id, settings)
    assert len(rows(connection, "SELECT row_id FROM row_statements")) == 1
    ((ann,),) = rows(connection, "SELECT persona_id FROM personas WHERE first_name = 'Ann'")
    run_erase(ann, settings)
    assert rows(connection, "SELECT row_id FROM row_statements") == []


def test_what_files_say_of_a_row_that_stays_for_its_edit_can_be_undone(
    import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """Each of them is kept beside the edit."""
    select = "SELECT external_id, status, channel, body FROM messages"
    first = import_text(MESSAGES, "messages", "a.csv")
    connection.execute("UPDATE messages SET channel = 'sms'")
    connection.commit()
    run_undo(first.import_id, settings)
    assert len(rows(connection, select)) == 1
    second = import_text("external_id,status\nm-1,delivered\n", "messages", "b.csv")
    import_text("external_id,body\nm-1,Ho\n", "messages", "c.csv")
    assert rows(connection, select) == [("m-1", "delivered", "sms", "Ho")]
    run_undo(second.import_id, settings)
    assert rows(connection, select) == [("m-1", None, "sms", "Ho")]


def test_an_undo_brings_no_row_back_that_somebody_removed(
    import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """What counts no more is no reason to."""
    import_text(MESSAGES, "messages", "a.csv")
    later = import_text("external_id,status\nm-1,read\n", "messages", "b.csv")
    connection.execute("DELETE FROM messages")
    connection.commit()
    assert run_undo(later.import_id, settings).status == "done"
    assert rows(connection, "SELECT external_id FROM messages") == []


def test_a_key_taken_twice_is_one_row_in_the_end(
    import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """Undo after undo, what several rows were is one."""
    first = import_text(MESSAGES, "messages", "a.csv")
    undone = run_undo(first.import_id, settings)
    second = import_text("external_id,status\nm-1,read\n", "messages", "b.csv")
    run_undo(undone.import_id, settings)
    undone = run_undo(first.import_id, settings)
    run_undo(second.import_id, settings)
    import_text("external_id,channel\nm-1,sms\n", "messages", "c.csv")
    assert run_undo(undone.import_id, settings).status == "done"
    assert rows(connection, "SELECT external_id, status, channel, body FROM messages") == [
        ("m-1", "sent", "sms", "Hi")
    ]
