"""Merges, refusals and endings, one after the other; then a refold finds nothing to do.

A refold computes claims and golden records from the leads alone. Where it would change something
that an import has left, one of the two is wrong.
"""

from collections.abc import Callable

import psycopg
import pytest
from psycopg.types.json import Jsonb

from contracts.registry import parse_policy
from flows import refolding, teams
from flows.refolding import run_refold
from flows.settings import Settings
from tests.conftest import AddSource, Import
from tests.states import Record, content, fetch, people
from tests.test_identity import (
    HUBSPOT,
    ID,
    LIST,
    ONE,
    SALESFORCE,
    THREE,
    TWO,
    A,
    B,
    candidates,
    deleted,
    groups,
    holders,
    set_policy,
)

Refold = Callable[[], dict[str, dict[str, int]]]

CLEARING = """
name: clearing
source_file: feed
columns: {source_record_id: id, crm_id: id, first_name: name, phones: phone, emails: email,
          city: city, updated_at: at}
clear: ["<null>"]
"""
SNAPSHOT = """
name: snapshot
source_file: feed
mode: snapshot
columns: {source_record_id: id, crm_id: id, first_name: name, phones: phone, city: city}
required: [source_record_id]
"""


@pytest.fixture
def refold(
    connection: psycopg.Connection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Refold:
    """Refolds by the policy in effect, and tells what it wrote."""

    def do() -> dict[str, dict[str, int]]:
        query = "SELECT policy_rules::text AS rules FROM teams WHERE team_id = 'acme'"
        rules = fetch(connection, query)[0]["rules"]
        monkeypatch.setattr(refolding, "load_policy", lambda _: parse_policy(rules))
        return run_refold("acme", settings).effects

    return do


def contact(number: int, name: str, phone: str, email: str = "") -> str:
    return f"{ID.format(number)},{name},Lee,{phone},{email},2026-01-01T00:00:00Z,false,\n"


def leads(connection: psycopg.Connection) -> dict[str, Record]:
    found = fetch(connection, "SELECT source_record_id, lead_id, persona_id FROM leads")
    return {row["source_record_id"]: row for row in found}


def judge_apart(connection: psycopg.Connection, left: Record, right: Record) -> None:
    """Somebody said that these two are not the same."""
    connection.execute(
        "INSERT INTO merge_candidates (team_id, left_id, right_id, guard, kind, value, evidence,"
        " left_lead_ids, right_lead_ids, judgement, judged_by, judged_at, import_id)"
        " VALUES ('acme', %s, %s, 'bridge', 'phone', '', %s, ARRAY[%s], ARRAY[%s],"
        " 'not_same', 'eve', now(), '')",
        [
            *(left["persona_id"], right["persona_id"], Jsonb({"links": []})),
            *(left["lead_id"], right["lead_id"]),
        ],
    )


def live(connection: psycopg.Connection) -> set[str]:
    found = fetch(connection, "SELECT persona_id FROM personas WHERE merged_into IS NULL")
    return {row["persona_id"] for row in found}


def test_two_who_shared_a_phone_and_merge_have_it_alone(
    connection: psycopg.Connection, import_text: Import, refold: Refold
) -> None:
    """Nobody else states it any more."""
    import_text(SALESFORCE + contact(1, "Ann", ONE) + contact(2, "Bob", ONE), "salesforce")
    assert holders(connection, "phone", ONE) == [False, False]
    import_text(SALESFORCE + deleted(2, ID.format(1)), "salesforce")
    assert holders(connection, "phone", ONE) == [True]
    assert refold() == {}


def test_pairs_follow_who_was_merged(connection: psycopg.Connection, import_text: Import) -> None:
    """A candidate is about people who are there."""
    for number, name, phone in ((1, "Ann", TWO), (2, "Ann", ONE), (3, "Bob", ONE)):
        import_text(SALESFORCE + contact(number, name, phone), "salesforce")
    assert len(candidates(connection)) == 1
    import_text(SALESFORCE + deleted(2, ID.format(1)), "salesforce")
    (pair,) = candidates(connection)
    assert {pair["left_id"], pair["right_id"]} == live(connection)


@pytest.mark.parametrize("change", ["a row between them", "a merge in the CRM"])
def test_a_policy_that_skips_merges_nobody(
    connection: psycopg.Connection, import_text: Import, change: str
) -> None:
    """Known people stay as they are, whatever a row says of them; that they may be one is told."""
    import_text(SALESFORCE + contact(1, "Ann", ONE), "salesforce")
    import_text(SALESFORCE + contact(2, "Ann", TWO), "salesforce")
    set_policy(connection, merge="auto", on_duplicate="skip")
    before = content(connection)
    row = contact(2, "Ann", ONE) if change == "a row between them" else deleted(2, ID.format(1))
    import_text(SALESFORCE + row, "salesforce")
    assert {**content(connection), "candidates": []} == before


@pytest.mark.parametrize(
    ("policy", "rows"),
    [
        ({"on_duplicate": "skip"}, f"3,,Bob,Kahn,{ONE},{B}\n"),
        (
            {"on_missing": "reject"},
            "".join(f"{n},,{name},Of{name},{ONE},\n" for n, name in enumerate("CDEF", 5)),
        ),
    ],
    ids=["skip", "reject"],
)
def test_rows_that_are_not_taken_in_share_no_phone(
    connection: psycopg.Connection, import_text: Import, policy: dict[str, str], rows: str
) -> None:
    """A phone is several people's only if several who are there state it."""
    import_text(LIST + f"1,,Ann,Lee,{ONE},\n2,,Bob,Kahn,,{B}\n")
    set_policy(connection, **policy)
    import_text(LIST + rows, name="b.csv")
    assert holders(connection, "phone", ONE) == [True]
    assert "shared_value" not in [pair["guard"] for pair in candidates(connection)]


def test_one_person_of_many_names_shares_nothing(
    connection: psycopg.Connection, import_text: Import, refold: Refold
) -> None:
    """The CRM has decided that they are one; their phone is no office line."""
    names = enumerate(("Ann", "Bob", "Cid", "Dora"), 1)
    import_text(LIST + "".join(f"{n},C1,{name},Of{name},{ONE},\n" for n, name in names))
    assert len(people(connection)) == 1
    assert holders(connection, "phone", ONE) == [True]
    assert candidates(connection) == []
    assert refold() == {}


def test_who_was_refused_a_phone_has_it_once_it_is_shared(
    connection: psycopg.Connection, import_text: Import, refold: Refold
) -> None:
    """One's lead states it still, like those of the two who share it."""
    import_text(
        HUBSPOT + f"1,Ann,Lee,{ONE},,,,2026-01-01\n2,Ann,Lee,{TWO},,,,2026-01-01\n", "hubspot"
    )
    import_text(HUBSPOT + f"1,Ann,Lee,{TWO},,,,2026-02-01\n", "hubspot")
    assert holders(connection, "phone", TWO) == [True]
    import_text(LIST + f"9,,Bob,Kahn,{TWO},\n")
    assert holders(connection, "phone", TWO) == [False] * 3
    assert refold() == {}


def test_a_judgement_follows_its_leads_through_merges(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Those whom it is about stay apart under the people who took them over."""
    set_policy(connection, merge="auto")
    phones = (ONE, THREE, TWO, "+14155552674")
    for number, phone in enumerate(phones, 1):
        import_text(LIST + f"{number},,Ann,Lee,{phone},\n", name=f"{number}.csv")
    judge_apart(connection, leads(connection)["3"], leads(connection)["4"])
    import_text(LIST + f"5,,Ann,Lee,{ONE},{A}\n5,,Ann,Lee,{TWO},{A}\n", name="b.csv")
    import_text(LIST + f"6,,Ann,Lee,{THREE},{B}\n6,,Ann,Lee,{phones[3]},{B}\n", name="c.csv")
    assert len(live(connection)) == 2
    import_text(LIST + f"7,,Ann,Lee,{ONE},{B}\n", name="d.csv")
    assert len(live(connection)) == 2


def test_a_judgement_outweighs_a_merge_in_the_crm(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """It is final."""
    import_text(SALESFORCE + contact(1, "Ann", ONE), "salesforce")
    import_text(SALESFORCE + contact(2, "Ann", TWO), "salesforce")
    found = leads(connection)
    judge_apart(connection, found[ID.format(1)], found[ID.format(2)])
    import_text(SALESFORCE + deleted(2, ID.format(1)), "salesforce")
    assert len(live(connection)) == 2


def test_a_merge_is_followed_though_its_master_comes_later(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """In one file or two, the merged record and its master are one person."""
    teams.add_team(connection, "whole")
    merged, master = deleted(2, ID.format(1)), contact(1, "Ann", ONE)
    import_text(SALESFORCE + merged + master, "salesforce", team="whole")
    import_text(SALESFORCE + merged, "salesforce")
    import_text(SALESFORCE + master, "salesforce")
    assert groups(connection) == groups(connection, "whole") == [[ID.format(1), ID.format(2)]]


def test_a_shared_value_counts_who_is_there(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Five, of whom two merge, and one more are five."""
    names = enumerate(("Ann", "Bob", "Cid", "Dora", "Eve"), 1)
    import_text(SALESFORCE + "".join(contact(n, name, ONE) for n, name in names), "salesforce")
    import_text(SALESFORCE + deleted(2, ID.format(1)) + contact(7, "Fay", ONE), "salesforce")
    (crowd,) = [pair for pair in candidates(connection) if pair["guard"] == "shared_value"]
    assert crowd["evidence"]["people"] == len(holders(connection, "phone", ONE)) == 5


def test_whom_a_row_follows_is_no_matter_of_chance(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Of two who came with one file that of the smaller record, not of the smaller hash."""
    two = HUBSPOT + f"1,Ann,Lee,,{A},,,2026-01-01\n2,Ann,Lee,,{B},,,2026-01-01\n"
    between = f"id,first_name,last_name,email,email 2\n9,Ann,Lee,{A},{B}\n"
    for number in range(5):
        team = f"team {number}"
        teams.add_team(connection, team)
        import_text(two, "hubspot", team=team)
        import_text(between, team=team, name="b.csv")
        assert groups(connection, f"team_{number}") == [["1", "9"], ["2"]]


def test_in_whatever_order_leads_end_the_same_is_kept(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Who has no live lead left keeps what all of them said."""
    header = "Id,FirstName,LastName,Phone,MailingCity,LastModifiedDate,IsDeleted\n"
    both = f"{ID.format(1)},Ann,Lee,{ONE},Bonn,2026-02-01T00:00:00Z,false\n"
    both += f"{ID.format(2)},Ann,Lee,{ONE},Ulm,2026-01-01T00:00:00Z,false\n"
    ends = [f"{ID.format(n)},,,,,2026-03-01T00:00:00Z,true\n" for n in (1, 2)]
    for team, files in (("one", ["".join(ends)]), ("two", ends), ("ower", ends[::-1])):
        teams.add_team(connection, team)
        for rows in (both, *files):
            import_text(header + rows, "salesforce", team=team)
        (person,) = people(connection, team)
        assert (person.golden["city"], person.golden["is_ended"]) == ("Bonn", True)


def test_strict_phone_leaves_no_phone_on_who_has_ended(
    connection: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """Its holder is another; nobody shows what he does not hold."""
    import_text(SALESFORCE + contact(1, "Ann", ONE), "salesforce")
    import_text(SALESFORCE + contact(2, "Bob", ONE), "salesforce")
    import_text(SALESFORCE + deleted(2), "salesforce")
    run_refold("acme", settings, "strict_phone")
    assert len(fetch(connection, "SELECT FROM personas WHERE phone IS NOT NULL")) == 1
    assert run_refold("acme", settings, "strict_phone").effects == {}


def test_a_cleared_phone_does_not_come_back(
    connection: psycopg.Connection, import_text: Import, add_source: AddSource, refold: Refold
) -> None:
    """Nor with another lead of the person, nor by a refold; the claim still identifies."""
    add_source(CLEARING)
    header = "id,name,phone,email,city,at\n"
    import_text(header + f"1,Ann,{ONE},{A},Bonn,2026-01-01\n", "clearing")
    import_text(header + "1,Ann,<null>,,<null>,2026-03-01\n", "clearing")
    import_text(LIST + f"7,,Ann,,,{A}\n", name="z.csv")
    (person,) = people(connection)
    assert (person.golden["phone"], person.golden["city"]) == (None, None)
    assert refold() == {}
    assert holders(connection, "phone", ONE) == [True]


def test_a_record_that_comes_back_has_all_that_it_had(
    connection: psycopg.Connection, import_text: Import, add_source: AddSource
) -> None:
    """One snapshot without it makes it forget no earlier statement."""
    add_source(SNAPSHOT)
    others = "".join(f"{n},Ann,41555526{n:02d},\n" for n in range(30, 50))
    files = [f"1,Ann,{ONE},Bonn\n", f"1,Ann,{TWO},\n", "", f"1,Ann,{TWO},\n"]
    told = []
    for row in files:
        import_text("id,name,phone,city\n" + others + row, "snapshot")
        query = "SELECT city, phones, claims, is_missing FROM leads WHERE source_record_id = '1'"
        told.append(fetch(connection, query)[0])
    assert told[2] == {**told[1], "is_missing": True}
    assert told[3] == told[1]


def test_merges_in_a_row_end_with_one_person(
    connection: psycopg.Connection, import_text: Import, refold: Refold
) -> None:
    """Three into two into one; edits by hand and claims come along, and later rows find them."""
    for number, phone in ((1, ONE), (2, TWO), (3, THREE)):
        import_text(SALESFORCE + contact(number, "Ann", phone), "salesforce")
    connection.execute("UPDATE personas SET city = 'By Hand' WHERE phone = %s", [THREE])
    import_text(SALESFORCE + deleted(3, ID.format(2)), "salesforce")
    import_text(SALESFORCE + deleted(2, ID.format(1)), "salesforce")
    import_text(LIST + f"9,,Ann,Lee,{THREE},\n", name="z.csv")
    (person,) = people(connection)
    assert person.golden["city"] == "By Hand"
    assert refold() == {}
