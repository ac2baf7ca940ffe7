"""Why a person is as it is: what won each field, what was passed over, and how each claim came."""

import random
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest

from contracts.registry import load_policy
from flows import explaining
from flows.explain_report import explanation_lines, to_json
from flows.explaining import Explanation, as_of_now, explain
from flows.finding import find_person
from flows.refolding import run_refold
from flows.settings import Settings
from flows.stories import ClaimStory, FieldStory
from flows.terminal import make_console
from flows.work_database import open_database
from tests.conftest import AddSource, Import
from tests.test_survive import EMAIL, set_rule, state
from transforms.explain import list_said, take_statements
from transforms.passed_over import decide

Explain = Callable[..., Explanation]


@pytest.fixture
def why(connection: psycopg.Connection, settings: Settings) -> Explain:
    """Explains whom a text means: ``why("a@example.com")``."""

    def do(who: str = EMAIL, used: Settings = settings) -> Explanation:
        with as_of_now(connection):
            return explain(connection, find_person(connection, who, "acme"), used)

    return do


def field(told: Explanation, name: str) -> FieldStory:
    (found,) = [each for each in told.fields if each.field == name]
    return found


def claim(told: Explanation, value: str) -> ClaimStory:
    (found,) = [each for each in told.claims if each.value == value]
    return found


def reasons(story: FieldStory) -> dict[str, str]:
    return {each.value: each.why for each in story.passed_over}


@pytest.mark.parametrize(
    ("rule", "city", "passed"),
    [
        (
            "newest",
            "9",
            {
                "10": "older: stated 2026-02-01, this one 2026-03-01",
                "Ulm an der Donau": "without a date, so it is older than what has one (2026-03-01)",
            },
        ),
        (
            "oldest",
            "Ulm an der Donau",
            {
                "10": "newer: stated 2026-02-01, and what has no date is older than any",
                "9": "newer: stated 2026-03-01, and what has no date is older than any",
            },
        ),
        (
            "fill",
            "10",
            {
                "9": "it came in later; who was first counts",
                "Ulm an der Donau": "it came in later; who was first counts",
            },
        ),
        (
            "trusted",
            "10",
            {
                "9": "less trusted: generic has trust 0, hubspot 20",
                "Ulm an der Donau": "less trusted: generic has trust 0, hubspot 20",
            },
        ),
        (
            "longest",
            "Ulm an der Donau",
            {
                "10": "shorter: 2 characters, this one 16",
                "9": "shorter: 1 characters, this one 16",
            },
        ),
        (
            "max",
            "10",
            {
                "9": "smaller; the greatest counts",
                "Ulm an der Donau": "smaller; the greatest counts",
            },
        ),
    ],
)
def test_each_rule_says_what_won_and_why_the_others_did_not(
    connection: psycopg.Connection,
    import_text: Import,
    why: Explain,
    rule: str,
    city: str,
    passed: dict[str, str],
) -> None:
    """In words, with the file and line of each."""
    set_rule(connection, "city", rule)
    state(import_text, "hubspot", "1", "10", "2026-02-01", "h.csv")
    state(import_text, "generic", "2", "9", "2026-03-01", "a.csv")
    state(import_text, "generic", "3", "Ulm an der Donau", "", "b.csv")
    told = field(why(), "city")
    assert (told.value, told.rule) == (city, rule)
    assert reasons(told) == passed
    files = {"10": "h.csv", "9": "a.csv", "Ulm an der Donau": "b.csv"}
    stated = [(told.value, told.stated_by), *((e.value, e.stated_by) for e in told.passed_over)]
    assert {(value, place and place.file_name) for value, place in stated} == set(files.items())
    assert {place and place.line_no for _, place in stated} == {2}


@pytest.mark.parametrize("rule", ["newest", "oldest", "fill", "trusted", "longest", "max"])
def test_the_reason_always_speaks_for_the_winner(
    connection: psycopg.Connection, import_text: Import, settings: Settings, rule: str
) -> None:
    """The sentences follow the order in which the ranking compares, whatever the leads say."""
    set_rule(connection, "city", rule)
    dice = random.Random(rule)
    for number in range(6):
        source = dice.choice(["hubspot", "generic"])
        clock = dice.choice(["", "2026-01-01", "2026-02-01", "2026-02-01 10:00"])
        city = dice.choice(["Rome", "Ulm", "7", "12", "Bonn am Rhein"])
        state(import_text, source, str(number), city, clock, f"{number}.csv")
    found = find_person(connection, EMAIL, "acme")
    leads = explaining.list_leads(connection, "acme", found.persona_id)
    settings.work.mkdir(parents=True, exist_ok=True)
    with as_of_now(connection), closing(open_database(settings.work, settings)) as work:
        explaining._rank(connection, work, found, "import_1")
        statements, _ = explaining.fetch_statements(connection, "acme", found.persona_id, leads)
        take_statements(work, statements)
        ranked = [e for e in list_said(work) if e.field == "city" and e.reason == "ranked"]
    assert [each.place for each in ranked] == list(range(1, 7))
    for place, winner in enumerate(ranked):
        for loser in ranked[place + 1 :]:
            decided = decide(winner, loser)
            assert decided is not None, (winner, loser)
            assert decided[0], (winner, loser, decided[1])


def test_a_person_of_one_record_has_a_story_too(import_text: Import, why: Explain) -> None:
    """Each field, its line, and nothing passed over."""
    import_text(f"id,email,city,zip\n1,b@example.com,,\n2,{EMAIL},Rome,94105\n", name="a.csv")
    told = why()
    assert [(each.field, each.value) for each in told.fields] == [
        ("email", EMAIL),
        ("city", "Rome"),
        ("zip", "94105"),
    ]
    assert {each.why for each in told.fields} == {"nobody else states it"}
    assert {each.stated_by.line_no for each in told.fields if each.stated_by} == {3}


def test_an_earlier_statement_of_the_record_is_told(import_text: Import, why: Explain) -> None:
    """A value that a record kept is that of the file that stated it, not of the last one."""
    head = "id,email,city,zip,updated_at\n"
    import_text(f"{head}1,{EMAIL},Bonn,53111,2026-01-01\n", name="a.csv")
    import_text(f"{head}9,z@example.com,,,\n1,{EMAIL},Rome,,2026-02-01\n", name="a.csv")
    told = why()
    city, postcode = field(told, "city"), field(told, "zip")
    assert reasons(city) == {
        "Bonn": "older: the same record stated it 2026-01-01, and 'Rome' 2026-02-01"
    }
    assert city.stated_by
    assert postcode.stated_by
    assert (city.stated_by.line_no, postcode.stated_by.line_no) == (3, 2)
    assert city.stated_by.import_id > postcode.stated_by.import_id
    assert [place.line_no for place in told.leads[0].statements] == [2, 3]


def test_statements_of_undone_imports_do_not_count(
    connection: psycopg.Connection, import_text: Import, why: Explain
) -> None:
    """They are not shown as passed over either."""
    head = "id,email,city,updated_at\n"
    import_text(f"{head}1,{EMAIL},Bonn,2026-01-01\n", name="a.csv")
    undone = import_text(f"{head}1,{EMAIL},Ulm,2026-01-02\n", name="a.csv")
    import_text(f"{head}1,{EMAIL},Rome,2026-02-01\n", name="a.csv")
    connection.execute(
        "UPDATE imports SET undone_by_import_id = import_id WHERE import_id = %s",
        [undone.import_id],
    )
    assert list(reasons(field(why(), "city"))) == ["Bonn"]


def test_an_edit_by_hand_is_why_others_are_passed_over(
    connection: psycopg.Connection, import_text: Import, why: Explain
) -> None:
    """And what is emptied by hand says that the next import fills it."""
    state(import_text, "generic", "2", "Rome", "2026-03-01", "a.csv")
    connection.execute("UPDATE personas SET city = 'Oslo'")
    told = field(why(), "city")
    assert (told.value, told.rule, told.stated_by) == ("Oslo", "edited", None)
    assert told.stated_at is not None
    (passed,) = told.passed_over
    assert passed.why == f"an edit by hand of {told.stated_at:%Y-%m-%d} keeps the field"
    connection.execute("UPDATE personas SET city = NULL")
    told = field(why(), "city")
    assert (told.value, told.rule, told.stated_by) == (None, "emptied", None)
    assert list(reasons(told)) == ["Rome"]


def test_tags_of_all_are_put_together(import_text: Import, why: Explain) -> None:
    """Every record that gave some is named; nothing was passed over."""
    import_text(f"id,email,tags\n1,{EMAIL},Hot; buyer\n", name="a.csv")
    import_text(f"id,email,tags\n2,{EMAIL},VIP\n", name="b.csv")
    told = field(why(), "tags")
    assert (told.value, told.rule, told.passed_over) == ("buyer, Hot, VIP", "union", ())
    assert {place.file_name for place in told.also_stated_by} == {"a.csv", "b.csv"}


def test_tags_of_which_the_newest_count(
    connection: psycopg.Connection, import_text: Import, why: Explain
) -> None:
    """A list is shown as people write it, not as a program does."""
    set_rule(connection, "tags", "newest")
    import_text(f"id,email,tags,updated_at\n1,{EMAIL},Hot; buyer,2026-01-01\n", name="a.csv")
    import_text(f"id,email,tags,updated_at\n1,{EMAIL},Cold; x,2026-01-02\n", name="a.csv")
    import_text(f"id,email,tags,updated_at\n2,{EMAIL},VIP,2026-02-01\n", name="b.csv")
    told = field(why(), "tags")
    assert told.value == "VIP"
    assert reasons(told) == {
        "Cold, x": "older: stated 2026-01-02, this one 2026-02-01",
        "buyer, Hot": "older: the same record stated it 2026-01-01, and 'Cold, x' 2026-01-02",
    }


def test_those_who_say_the_same_are_named(import_text: Import, why: Explain) -> None:
    """They were not passed over."""
    state(import_text, "hubspot", "1", "Rome", "2026-02-01", "h.csv")
    state(import_text, "generic", "2", "Rome", "2026-03-01", "a.csv")
    told = field(why(), "city")
    assert (told.why, told.passed_over) == ("all who state it agree", ())
    assert [place.file_name for place in told.also_stated_by] == ["h.csv"]


def test_a_chats_name_stands_in_for_a_name(
    add_source: AddSource, import_text: Import, why: Explain
) -> None:
    """The name says that it is one; a conversation is linked by the template of the settings."""
    add_source(
        "name: chat\nsource_file: feed\ncolumns:\n  source_record_id: id\n  emails: mail\n"
        "  profile_name: nick\n  conversation_id: chat\n"
    )
    import_text(f"id,mail,nick,chat\n1,{EMAIL},annie,a/1\n", "chat", name="c.csv")
    told = why()
    assert (field(told, "full_name").value, field(told, "full_name").rule) == ("annie", "profile")
    assert told.leads[0].conversation_url is None


def test_claims_tell_who_states_them_and_whose_they_are(
    connection: psycopg.Connection, import_text: Import, why: Explain
) -> None:
    """Alone, shared with others, written by hand, and stated though another person holds it."""
    head = "id,first_name,phone,email\n"
    import_text(
        f"{head}1,Ann,415-555-2671,{EMAIL}\n2,Bob,415-555-2671,bob@example.com\n", name="a.csv"
    )
    import_text(f"{head}7,Ann,,{EMAIL}\n", name="b.csv")
    connection.execute("UPDATE personas SET phone = '+14155559999' WHERE first_name = 'Ann'")
    told = why()
    phone, email = claim(told, "+14155552671"), claim(told, EMAIL)
    assert (phone.is_held, phone.is_alone, phone.others) == (True, False, 1)
    assert (email.is_alone, email.others) == (True, 0)
    assert [(place.file_name, place.line_no) for place in email.stated_by] == [
        ("a.csv", 2),
        ("b.csv", 2),
    ]
    by_hand = claim(told, "+14155559999")
    assert (by_hand.is_by_hand, by_hand.stated_by) == (True, ())


def test_a_value_that_is_another_persons_is_passed_over(import_text: Import, why: Explain) -> None:
    """It stays a claim that a record states, and that is not held."""
    import_text(f"id,phone,email\n1,415-555-2671,\n2,415-555-2672,{EMAIL}\n", name="a.csv")
    # Joins both; follows the phone, and the email stays where it is.
    import_text(f"id,phone,email\n3,415-555-2671,{EMAIL}\n", name="b.csv")
    told = why("415-555-2671")
    refused = claim(told, EMAIL)
    assert (refused.is_held, refused.is_alone, refused.others) == (False, False, 1)
    assert reasons(field(told, "email")) == {EMAIL: "not held by this person: another one has it"}
    assert field(told, "email").value is None


def test_a_record_that_its_source_deleted_counts_no_more(
    connection: psycopg.Connection, import_text: Import, settings: Settings, why: Explain
) -> None:
    """Its values are shown as passed over; where all are gone, what was known is kept."""
    state(import_text, "hubspot", "1", "Rome", "2026-02-01", "h.csv")
    state(import_text, "generic", "2", "Ulm", "2026-01-01", "a.csv")
    connection.execute("UPDATE leads SET is_deleted = true WHERE source = 'hubspot'")
    run_refold("acme", settings)
    told = why()
    assert reasons(field(told, "city")) == {
        "Rome": "its source has deleted the record, so it counts no more"
    }
    assert [each.is_ended for each in told.leads] == [True, False]
    connection.execute("UPDATE leads SET is_deleted = true")
    run_refold("acme", settings)
    told = why()
    assert (told.is_ended, field(told, "city").value) == (True, "Rome")


def test_who_was_put_in_by_hand(connection: psycopg.Connection, why: Explain) -> None:
    """Nobody states anything; the hand does."""
    connection.execute(
        "INSERT INTO personas (team_id, email, city) VALUES ('acme', %s, 'Rome')", [EMAIL]
    )
    told = why()
    assert (told.leads, {each.rule for each in told.fields}) == ((), {"edited"})
    assert [each.is_by_hand for each in told.claims] == [True]


def test_a_changed_policy_is_told_only_when_it_is_in_effect(
    connection: psycopg.Connection, import_text: Import, settings: Settings, why: Explain
) -> None:
    """What is stored and what the rules give now may differ; then it says so."""
    state(import_text, "generic", "1", "Bonn", "2026-01-01", "a.csv")
    state(import_text, "generic", "2", "Rome", "2026-02-01", "b.csv")
    set_rule(connection, "city", "oldest")
    told = field(why(), "city")
    assert (told.value, told.rule) == ("Rome", "outdated")
    assert told.stated_by
    assert told.stated_by.file_name == "b.csv"
    assert reasons(told) == {
        "Bonn": "by the rules it is this, from the next import about this person on"
    }
    assert load_policy("default").rule_of("city") == "newest"


def test_the_id_of_who_was_merged_leads_to_the_survivor(
    connection: psycopg.Connection, import_text: Import, settings: Settings, why: Explain
) -> None:
    """With a word about it."""
    merge_two(connection, import_text)
    (gone, kept) = connection.execute(
        "SELECT persona_id, merged_into FROM personas WHERE merged_into IS NOT NULL"
    ).fetchall()[0]
    told = why(gone)
    assert (told.found.persona_id, told.found.asked_id, told.merged_ids) == (kept, gone, (gone,))
    assert len(told.leads) == 3


def merge_two(connection: psycopg.Connection, import_text: Import) -> None:
    """Two people whom a third row shows to be one, under a policy that merges."""
    policy = load_policy("default").model_copy(update={"merge": "auto"})
    connection.execute("UPDATE teams SET policy_rules = %s", [policy.model_dump_json()])
    head = "id,phone,email,city,updated_at\n"
    import_text(f"{head}1,415-555-2671,,Bonn,2026-01-01\n", name="a.csv")
    import_text(f"{head}2,,{EMAIL},Rome,2026-02-01\n", name="b.csv")
    import_text(f"{head}3,415-555-2671,{EMAIL},,2026-03-01\n", name="c.csv")


def test_json_has_the_keys_that_are_promised(
    connection: psycopg.Connection, import_text: Import, settings: Settings, why: Explain
) -> None:
    """Scripts rely on them; the docstring names them."""
    state(import_text, "hubspot", "1", "Bonn", "2026-01-01", "h.csv")
    state(import_text, "generic", "2", "Rome", "2026-02-01", "a.csv")
    said = to_json(why(used=replace(settings, conversation_url="https://x/{conversation_id}")))
    documented = to_json.__doc__ or ""
    place = said["leads"][0]["statements"][0]
    for keys in (said, said["leads"][0], said["claims"][0], said["fields"][0], place):
        for key in keys:
            assert f"``{key}``" in documented, key
    assert said["fields"][-1]["passed_over"][0]["stated_by"]["file_name"] == "h.csv"
    console = make_console()
    with console.capture() as captured:
        for line in explanation_lines(why()):
            console.print(line)
    assert "Bonn" in captured.get()


def test_a_claim_of_several_fields_is_told_as_one(
    connection: psycopg.Connection, import_text: Import, why: Explain
) -> None:
    """It is no edit by hand, though no single cell states it; the phone is open to others."""
    rules = load_policy("per_niche").model_dump_json()
    connection.execute("UPDATE teams SET policy = 'per_niche', policy_rules = %s", [rules])
    import_text(f"phone,email,niche\n415-555-2671,{EMAIL},solar\n", name="a.csv")
    told = why()
    whole = [each for each in told.claims if "+" in each.kind]
    assert [(each.is_held, each.is_by_hand) for each in whole] == [(True, False)]
    phone = claim(told, "+14155552671")
    assert (phone.is_held, phone.is_alone, phone.others) == (True, False, 0)


def test_a_record_that_left_its_snapshot_is_ended(
    connection: psycopg.Connection, add_source: AddSource, import_text: Import, why: Explain
) -> None:
    """The file that no longer has it states nothing of it."""
    add_source(
        "name: snap\nsource_file: feed\nmode: snapshot\nrequired: [source_record_id]\n"
        "columns:\n  source_record_id: id\n  emails: mail\n  city: city\n"
    )
    head = "id,mail,city\n"
    rows = "".join(f"{number},p{number}@example.com,Ulm\n" for number in range(20))
    import_text(f"{head}99,{EMAIL},Rome\n{rows}", "snap", name="1.csv")
    import_text(head + rows, "snap", name="2.csv")
    told = why()
    assert (told.is_ended, field(told, "city").value) == (True, "Rome")
    (lead,) = told.leads
    assert lead.is_ended
    assert [place.file_name for place in lead.statements] == ["1.csv"]
