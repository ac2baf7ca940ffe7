"""Who is whom: the documented cases of identity, guards, tombstones and snapshots, one by one."""

import json
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg.types.json import Jsonb

import contracts
from contracts.registry import load_sources, parse_source
from flows import teams
from tests.conftest import Import, snapshot
from tests.states import Record, check_claims, check_golden, fetch, people

ONE, TWO, THREE, FOUR = "+14155552671", "+14155552672", "+14155552673", "+14155552674"
LIST = "id,crm_id,first_name,last_name,phone,email\n"
HUBSPOT = "Record ID - Contact,First Name,Last Name,Phone Number,Email,City,Lead Status"
HUBSPOT += ",Last Modified Date\n"
SALESFORCE = "Id,FirstName,LastName,Phone,Email,LastModifiedDate,IsDeleted,MasterRecordId\n"
ID = "00q5e000000{:04d}AAA"


def set_policy(connection: psycopg.Connection, team: str = "acme", **changes: Any) -> None:
    """Give a team the default policy with some keys changed, as a refold would note it down."""
    from contracts.policy import Policy

    path = Path(contracts.__file__).parent / "policies" / "default.yaml"
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    for name, value in changes.items():
        is_group = isinstance(value, dict)
        said[name] = {**(said.get(name) or {}), **value} if is_group else value
    rules = Policy.model_validate(said).model_dump(mode="json")
    done = connection.execute(
        "UPDATE teams SET policy_rules = %s WHERE team_id = %s", [Jsonb(rules), team]
    )
    assert done.rowcount == 1


def groups(connection: psycopg.Connection, team: str = "acme") -> list[list[str]]:
    """Which records are one person."""
    found = people(connection, team)
    return sorted(sorted(key[1] for key in person.keys) for person in found if person.leads)


def candidates(connection: psycopg.Connection) -> list[Record]:
    return fetch(connection, "SELECT * FROM merge_candidates ORDER BY left_id, right_id")


def holders(connection: psycopg.Connection, kind: str, value: str) -> list[bool]:
    """The exclusive marks of all who hold a claim."""
    query = "SELECT is_exclusive FROM identities WHERE kind = %s AND value = %s"
    return [row["is_exclusive"] for row in fetch(connection, query, kind, value)]


def person_of(connection: psycopg.Connection, record: str) -> Record:
    """The golden record of the person that a record is about."""
    (found,) = fetch(
        connection,
        "SELECT p.* FROM personas AS p JOIN leads USING (team_id, persona_id)"
        " WHERE source_record_id = %s",
        record,
    )
    return found


A, B = "ann@example.com", "bob@example.com"
TOGETHER = {
    "the same CRM id with another phone": (f"1,C1,Ann,Lee,{ONE},\n", f"2,C1,Ann,Lee,{TWO},\n"),
    "another CRM id with the same phone": (f"1,C1,Ann,Lee,{ONE},\n", f"2,C2,Ann,Lee,{ONE},\n"),
    "the same phone, one without a name": (f"1,C1,Ann,Lee,{ONE},\n", f"2,C2,,,{ONE},\n"),
    "the same email with another phone": (f"1,,Ann,Lee,{ONE},{A}\n", f"2,,Ann,Lee,{TWO},{A}\n"),
    "a nickname": (f"1,,Bob,Lee,{ONE},\n", f"2,,Robert,Lee,{ONE},\n"),
    "an initial": (f"1,,R.,Lee,{ONE},\n", f"2,,Robert,Lee,{ONE},\n"),
    "a typo": (f"1,,Jonathan,Lee,{ONE},\n", f"2,,Jonathon,Lee,{ONE},\n"),
    "one of them with a suffix": (f"1,,Ann,Lee Jr,{ONE},\n", f"2,,Ann,Lee,{ONE},\n"),
}
APART = {
    "other first names": (f"1,,Ann,Lee,{ONE},\n", f"2,,Bob,Lee,{ONE},\n"),
    "other first names under other CRM ids": (f"1,C1,Ann,Lee,{ONE},\n", f"2,C2,Bob,Lee,{ONE},\n"),
    "Jr and Sr": (f"1,,Bob,Lee Jr,{ONE},\n", f"2,,Bob,Lee Sr,{ONE},\n"),
    "a placeholder phone": ("1,C1,Ann,Lee,0000000000,\n", "2,C2,Ann,Lee,0000000000,\n"),
    "a placeholder email": ("1,C1,Ann,Lee,,test@test.com\n", "2,C2,Ann,Lee,,test@test.com\n"),
    "nothing but the name": (f"1,,Ann,Lee,{ONE},\n", f"2,,Ann,Lee,{TWO},\n"),
}


@pytest.mark.parametrize("is_one_file", [True, False], ids=["one file", "two files"])
@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        *((pytest.param(rows, [["1", "2"]], id=name)) for name, rows in TOGETHER.items()),
        *((pytest.param(rows, [["1"], ["2"]], id=name)) for name, rows in APART.items()),
    ],
)
def test_two_rows_are_one_person_or_two(
    connection: psycopg.Connection,
    import_text: Import,
    rows: tuple[str, str],
    expected: list[list[str]],
    is_one_file: bool,
) -> None:
    """In one file or in two: claims join, unless names contradict or the value says nothing."""
    if is_one_file:
        import_text(LIST + "".join(rows))
    else:
        import_text(LIST + rows[0], name="a.csv")
        import_text(LIST + rows[1], name="b.csv")
    assert groups(connection) == expected
    check_claims(connection)


def test_a_changed_phone_updates_the_person_of_the_crm_id(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """The person stays, shows the new phone, and is still found by the old one."""
    import_text(HUBSPOT + f"1,Ann,Lee,{ONE},,,,2026-01-01\n", "hubspot")
    before = person_of(connection, "1")
    outcome = import_text(HUBSPOT + f"1,Ann,Lee,{TWO},,,,2026-02-01\n", "hubspot")
    assert outcome.counts.updated == 1
    after = person_of(connection, "1")
    assert (after["persona_id"], after["phone"]) == (before["persona_id"], TWO)
    assert holders(connection, "phone", ONE) == holders(connection, "phone", TWO) == [True]


def test_another_crm_id_with_the_same_phone_is_a_match_by_phone(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """The ledger says by what the person was found."""
    import_text(HUBSPOT + f"1,Ann,Lee,{ONE},,,,\n", "hubspot")
    outcome = import_text(HUBSPOT + f"2,Ann,Lee,{ONE},,,,\n", "hubspot")
    assert (outcome.match["phone"], outcome.match["new"]) == (1, 0)
    assert groups(connection) == [["1", "2"]]


def test_spellings_of_a_number_are_one_person(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """With +62, with 0 and with 62: one number in a team of region ID."""
    teams.add_team(connection, "jakarta", "ID")
    import_text(
        "id,name,phone\n1,Ayu Sari,+6281312345678\n2,Ayu Sari,081312345678\n"
        "3,Ayu Sari,6281312345678\n",
        team="jakarta",
    )
    import_text("id,phone\n4,0813 1234 5678\n", name="b.csv", team="jakarta")
    assert groups(connection, "jakarta") == [["1", "2", "3", "4"]]
    (ayu,) = people(connection, "jakarta")
    assert ayu.golden["phone"] == "+6281312345678"


def test_a_phone_in_two_teams_is_two_people(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Teams never mix, whatever they have in common."""
    teams.add_team(connection, "beta", "US")
    text = LIST + f"1,C1,Ann,Lee,{ONE},{A}\n"
    import_text(text)
    import_text(text, team="beta")
    ids = {people(connection, team)[0].golden["persona_id"] for team in ("acme", "beta")}
    assert len(ids) == 2


@pytest.mark.parametrize("file_count", [1, 3])
def test_one_name_under_many_crm_ids_is_one_person(
    connection: psycopg.Connection, import_text: Import, file_count: int
) -> None:
    """Thirty-nine rows of one name and phone are the duplicate that we are here for, and no
    office."""
    rows = [f"{number},Ann,Lee,{ONE},,,,\n" for number in range(39)]
    for at in range(file_count):
        import_text(HUBSPOT + "".join(rows[at::file_count]), "hubspot")
    (ann,) = people(connection)
    assert len(ann.leads) == 39
    assert holders(connection, "phone", ONE) == [True]
    assert candidates(connection) == []


def deliver(device: str, niche: str) -> str:
    payload = {"device_id": device, "user_id": "u-1", "phone": ONE.lstrip("+"), "niche": niche}
    return json.dumps({"delivered_at": "2026-01-31T09:21:00Z", "payload": payload}) + "\n"


DELIVERIES = {
    "two niches": deliver("dev-1", "solar") + deliver("dev-1", "roofing"),
    "two devices": deliver("dev-1", "solar") + deliver("dev-2", "solar"),
}


@pytest.mark.parametrize("text", DELIVERIES.values(), ids=DELIVERIES)
def test_a_phone_in_two_niches_is_two_leads_of_one_person(
    connection: psycopg.Connection, import_text: Import, text: str
) -> None:
    """A lead per niche and device; a person per phone."""
    import_text(text, "device_webhook", "deliveries.jsonl")
    (person,) = people(connection)
    assert len(person.leads) == 2


@pytest.mark.parametrize("text", DELIVERIES.values(), ids=DELIVERIES)
def test_a_team_may_want_a_person_per_niche(
    connection: psycopg.Connection, import_text: Import, text: str
) -> None:
    """Under policy per_niche both show the phone, and neither alone is known by it."""
    teams.add_team(connection, "niches", "US", policy="per_niche")
    import_text(text, "device_webhook", "deliveries.jsonl", "niches")
    before = snapshot(connection)
    found = people(connection, "niches")
    assert [len(person.leads) for person in found] == [1, 1]
    assert [person.golden["phone"] for person in found] == [ONE, ONE]
    import_text(text, "device_webhook", "deliveries.jsonl", "niches")
    assert snapshot(connection) == before


NAMES = ["Ann", "Bob", "Cid", "Dora", "Eve", "Fay", "Gus", "Hal", "Ina", "Jim", "Kay", "Leo"]
OFFICE = [f"{name},,{name},Of{name},{ONE},{name.lower()}@example.com\n" for name in NAMES]


@pytest.mark.parametrize("is_one_file", [True, False], ids=["one file", "a file each"])
def test_an_office_phone_identifies_nobody(
    connection: psycopg.Connection, import_text: Import, is_one_file: bool
) -> None:
    """Twelve people stay twelve, each shows the phone, none is known by it; one line tells."""
    if is_one_file:
        import_text(LIST + "".join(OFFICE))
    else:
        for at, row in enumerate(OFFICE):
            import_text(LIST + row, name=f"{at}.csv")
    assert groups(connection) == [[name] for name in NAMES]
    for name in NAMES:
        person = person_of(connection, name)
        assert (person["phone"], person["is_phone_exclusive"]) == (ONE, False)
        own = (name, f"Of{name}", f"{name.lower()}@example.com")
        assert (person["first_name"], person["last_name"], person["email"]) == own
    assert holders(connection, "phone", ONE) == [False] * 12
    shared = [row for row in candidates(connection) if row["left_id"] == "phone"]
    assert [(row["kind"], row["value"], row["right_id"]) for row in shared] == [("phone", ONE, ONE)]
    if is_one_file:
        assert candidates(connection) == shared
    # Whoever brings nothing but that phone is somebody else.
    outcome = import_text(LIST + f"new,,,,{ONE},new@example.com\n", name="later.csv")
    assert outcome.match["new"] == 1
    check_claims(connection)


@pytest.mark.parametrize("is_one_file", [True, False], ids=["one file", "a file each"])
def test_under_strict_phone_a_phone_is_one_persons(
    connection: psycopg.Connection, import_text: Import, is_one_file: bool
) -> None:
    """Whatever the names, no phone stands on two people of the team."""
    teams.add_team(connection, "strict", "US", policy="strict_phone")
    for at, text in enumerate(["".join(OFFICE[:5])] if is_one_file else OFFICE[:5]):
        outcome = import_text(LIST + text, name=f"{at}.csv", team="strict")
        assert outcome.status == "done"
    found = people(connection, "strict")
    assert sum(len(person.leads) for person in found) == 5
    assert [p.golden["phone"] for p in found if p.golden["phone"]] == [ONE]
    assert holders(connection, "phone", ONE) == [True]
    check_claims(connection, "strict")


SPOUSES = (f"1,,Ann,Lee,{ONE},{A}\n", f"2,,Bob,Lee,{ONE},{A}\n")


@pytest.mark.parametrize("is_one_file", [True, False], ids=["one file", "two files"])
def test_spouses_share_a_phone_and_an_email(
    connection: psycopg.Connection, import_text: Import, is_one_file: bool
) -> None:
    """Ann and Bob stay two; both show what they share, and a person may say that they are one."""
    for at, text in enumerate(["".join(SPOUSES)] if is_one_file else SPOUSES):
        import_text(LIST + text, name=f"{at}.csv")
    assert groups(connection) == [["1"], ["2"]]
    assert holders(connection, "phone", ONE) == holders(connection, "email", A) == [False, False]
    for record in ("1", "2"):
        person = person_of(connection, record)
        assert (person["phone"], person["email"], person["is_phone_exclusive"]) == (ONE, A, False)
    (pair,) = candidates(connection)
    ids = sorted(person_of(connection, record)["persona_id"] for record in ("1", "2"))
    assert [pair["left_id"], pair["right_id"], pair["guard"]] == [*ids, "name"]
    assert pair["judgement"] is None


@pytest.mark.parametrize("is_one_file", [True, False], ids=["one file", "two files"])
def test_among_the_few_who_share_a_phone_names_decide(
    connection: psycopg.Connection, import_text: Import, is_one_file: bool
) -> None:
    """A third row, of an Ann, is about the Ann of the two."""
    third = f"3,,Ann,Lee,{ONE},\n"
    if is_one_file:
        import_text(LIST + "".join(SPOUSES) + third)
    else:
        import_text(LIST + "".join(SPOUSES))
        import_text(LIST + third, name="b.csv")
    assert groups(connection) == [["1", "3"], ["2"]]
    assert len(candidates(connection)) == 1


def test_a_suffix_that_contradicts_is_told(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Father and son of one name on one phone."""
    import_text(LIST + f"1,,Bob,Lee Sr,{ONE},\n2,,Bob,Lee Jr,{ONE},\n")
    assert groups(connection) == [["1"], ["2"]]
    assert [pair["guard"] for pair in candidates(connection)] == ["suffix"]
    assert holders(connection, "phone", ONE) == [False, False]


@pytest.mark.parametrize("is_one_file", [True, False], ids=["one file", "two files"])
def test_a_team_may_keep_the_ids_of_one_crm_apart(
    connection: psycopg.Connection, import_text: Import, is_one_file: bool
) -> None:
    """Under guard crm_ids two ids of a CRM are two people, and the pair is told; ids of two CRMs
    may be one."""
    set_policy(connection, guards={"crm_ids": True})
    rows = [f"1,Ann,Lee,{ONE},,,,\n", f"2,Ann,Lee,{ONE},,,,\n"]
    for text in ["".join(rows)] if is_one_file else rows:
        import_text(HUBSPOT + text, "hubspot")
    assert groups(connection) == [["1"], ["2"]]
    assert [pair["guard"] for pair in candidates(connection)] == ["crm_id"]
    import_text(HUBSPOT + f"3,Cid,Moss,{TWO},,,,\n", "hubspot")
    import_text(LIST + f"4,C4,Cid,Moss,{TWO},\n")
    assert groups(connection) == [["1"], ["2"], ["3", "4"]]


def test_a_row_between_two_people_follows_its_best_claim(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """It lands with the person of its CRM id; each of the two keeps the phone; both are told."""
    import_text(
        HUBSPOT + f"1,Ann,Lee,{ONE},,,,2026-01-01\n2,Ann,Lee,{TWO},,,,2026-01-01\n", "hubspot"
    )
    outcome = import_text(HUBSPOT + f"1,Ann,Lee,{TWO},,,,2026-02-01\n", "hubspot")
    assert groups(connection) == [["1"], ["2"]]
    first, second = person_of(connection, "1"), person_of(connection, "2")
    assert (first["phone"], second["phone"]) == (ONE, TWO)
    taken = fetch(
        connection, "SELECT code, raw FROM import_issues WHERE import_id = %s", outcome.import_id
    )
    assert [(row["code"], bytes(row["raw"]).decode()) for row in taken] == [("claim_taken", TWO)]
    (pair,) = candidates(connection)
    ids = sorted([first["persona_id"], second["persona_id"]])
    assert [pair["left_id"], pair["right_id"], pair["guard"]] == [*ids, "bridge"]


def test_a_team_may_have_bridged_people_merged(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Under merge auto the oldest id stays; leads and claims move; the other row points to it."""
    set_policy(connection, merge="auto")
    import_text(LIST + f"1,,Ann,Lee,{ONE},\n", name="a.csv")
    import_text(LIST + f"2,,Ann,Lee,,{A}\n", name="b.csv")
    older, newer = (person_of(connection, record)["persona_id"] for record in ("1", "2"))
    assert older < newer
    import_text(LIST + f"3,,Ann,Lee,{ONE},{A}\n", name="c.csv")
    (ann,) = people(connection)
    assert ann.golden["persona_id"] == older
    assert groups(connection) == [["1", "2", "3"]]
    assert set(ann.identities) == {("phone", ONE), ("email", A)}
    merged = fetch(connection, "SELECT persona_id, merged_into FROM personas ORDER BY 1")
    assert [row["merged_into"] for row in merged] == [None, older]
    check_golden(ann)
    before = snapshot(connection)
    import_text(LIST + f"2,,Ann,Lee,,{A}\n", name="b.csv")
    assert snapshot(connection) == before


def test_who_was_judged_not_to_be_the_same_stays_apart(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """A judgement is final, also where the policy would merge."""
    set_policy(connection, merge="auto")
    import_text(LIST + f"1,,Ann,Lee,{ONE},\n", name="a.csv")
    import_text(LIST + f"2,,Ann,Lee,,{A}\n", name="b.csv")
    leads = fetch(connection, "SELECT lead_id, persona_id FROM leads ORDER BY source_record_id")
    connection.execute(
        "INSERT INTO merge_candidates (team_id, left_id, right_id, guard, kind, value, evidence,"
        " left_lead_ids, right_lead_ids, judgement, judged_by, judged_at, import_id)"
        " SELECT 'acme', %s, %s, 'bridge', 'phone', %s, '{}', ARRAY[%s], ARRAY[%s],"
        " 'not_same', 'eve', now(),"
        " min(import_id) FROM imports",
        [leads[0]["persona_id"], leads[1]["persona_id"], ONE, *(row["lead_id"] for row in leads)],
    )
    import_text(LIST + f"3,,Ann,Lee,{ONE},{A}\n", name="c.csv")
    assert person_of(connection, "1")["persona_id"] == leads[0]["persona_id"]
    assert person_of(connection, "2")["persona_id"] == leads[1]["persona_id"]
    assert [len(person.leads) for person in people(connection)] == [2, 1]
    assert [pair["judgement"] for pair in candidates(connection)] == ["not_same"]


def test_a_team_may_have_known_people_skipped(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Under on_duplicate skip a row of a known person changes neither lead nor person."""
    set_policy(connection, on_duplicate="skip")
    text = "id,first_name,last_name,phone,city,updated_at\n"
    import_text(text + f"1,Ann,Lee,{ONE},Bonn,2026-01-01\n")
    before = {
        table: fetch(connection, f"SELECT *, xmin::text FROM {table}")
        for table in ("leads", "personas", "identities")
    }
    outcome = import_text(
        text + f"1,Ann,Lee,{ONE},Ulm,2026-02-01\n2,Ann,Lee,{ONE},Rome,2026-02-01\n"
    )
    assert outcome.match["DUPLICATE_SKIPPED"] == 2
    assert (outcome.counts.landed, outcome.counts.duplicate) == (2, 2)
    for table, rows in before.items():
        assert fetch(connection, f"SELECT *, xmin::text FROM {table}") == rows


def test_a_team_may_refuse_unknown_people(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Under on_missing reject only known people are taken in; the others are rejects, and told."""
    import_text(LIST + f"1,,Ann,Lee,{ONE},\n")
    set_policy(connection, on_missing="reject")
    outcome = import_text(LIST + f"2,,Ann,Lee,{ONE},\n3,,Bob,Kahn,{TWO},\n", name="b.csv")
    assert (outcome.counts.rejected, outcome.counts.inserted) == (1, 1)
    assert groups(connection) == [["1", "2"]]
    rejects = fetch(connection, "SELECT line_no, code FROM import_issues WHERE severity = 'reject'")
    assert rejects == [{"line_no": 3, "code": "person_unknown"}]


# Statements of one record, field by field.

STATED = "id,city,status,job_title,phone,updated_at\n"


def test_a_blank_in_the_newer_statement_erases_nothing(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """The older statement still fills what the newer one leaves out."""
    import_text(STATED + f"1,Bonn,new,Cook,{ONE},2026-01-01\n")
    import_text(STATED + f"1,,called,,{ONE},2026-02-01\n")
    (ann,) = people(connection)
    (lead,) = ann.leads
    assert (lead["city"], lead["lead_status"], lead["job_title"]) == ("Bonn", "called", "Cook")
    assert (ann.golden["city"], ann.golden["job_title"]) == ("Bonn", "Cook")


def test_a_record_that_a_file_states_twice_is_right_and_settled(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Old, then new: field by field the newer; the second time nothing is written."""
    text = f"1,Bonn,new,Cook,{ONE},2026-01-01\n1,Ulm,,,{TWO},2026-02-01\n"
    assert import_text(STATED + text).counts.duplicate == 1
    (ann,) = people(connection)
    (lead,) = ann.leads
    assert (lead["city"], lead["lead_status"], lead["job_title"]) == ("Ulm", "new", "Cook")
    assert ann.golden["phone"] == TWO
    before = snapshot(connection)
    assert import_text(STATED + text).counts.updated == 0
    assert snapshot(connection) == before


def test_a_late_statement_falls_between_two(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Each field has the clock of its own statement: what is newer is kept, what is older goes."""
    import_text(STATED + f"1,Bonn,,,{ONE},2026-01-01\n")
    import_text(STATED + f"1,,called,,{ONE},2026-03-01\n")
    import_text(STATED + f"1,Ulm,new,,{ONE},2026-02-01\n")
    (ann,) = people(connection)
    (lead,) = ann.leads
    assert (lead["city"], lead["lead_status"]) == ("Ulm", "called")
    assert ann.golden["city"] == "Ulm"
    before = snapshot(connection)
    import_text(STATED + f"1,Rome,won,Cook,{ONE},2025-01-01\n1,Ulm,new,,{ONE},2026-02-01\n")
    (lead,) = people(connection)[0].leads
    assert (lead["city"], lead["lead_status"], lead["job_title"]) == ("Ulm", "called", "Cook")
    assert snapshot(connection) != before


def test_any_order_of_files_gives_the_same_lead(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Three statements with clocks, in all six orders of three files."""
    said = (
        f"1,Bonn,,Cook,{ONE},2026-01-01\n",
        f"1,Ulm,new,,{ONE},2026-02-01\n",
        f"1,,called,,{ONE},2026-03-01\n",
    )
    orders = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    for order in orders:
        team = "t" + "".join(map(str, order))
        teams.add_team(connection, team)
        for at in order:
            import_text(STATED + said[at], team=team)
        (ann,) = people(connection, team)
        (lead,) = ann.leads
        found = (lead["city"], lead["lead_status"], lead["job_title"])
        assert found == ("Ulm", "called", "Cook"), order
        check_golden(ann)


# Tombstones.


def deleted(number: int, master: str = "") -> str:
    return f"{ID.format(number)},Ann,Lee,,,2026-02-01T00:00:00Z,true,{master}\n"


def test_a_tombstone_ends_the_lead_and_its_person(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Who has no lead left keeps claims and record, and comes back with the next match."""
    text = f"{ID.format(1)},Ann,Lee,{ONE},{A},2026-01-01T00:00:00Z,false,\n"
    import_text(SALESFORCE + text, "salesforce")
    before = person_of(connection, ID.format(1))
    outcome = import_text(SALESFORCE + deleted(1), "salesforce")
    assert (outcome.counts.landed, outcome.counts.deleted) == (1, 1)
    (ann,) = people(connection)
    assert [lead["is_deleted"] for lead in ann.leads] == [True]
    assert ann.golden["is_ended"] is True
    assert [ann.golden[name] for name in ("first_name", "phone", "email")] == ["Ann", ONE, A]
    assert {("phone", ONE), ("email", A)} <= set(ann.identities)
    settled = snapshot(connection)
    import_text(SALESFORCE + deleted(1), "salesforce")
    assert snapshot(connection) == settled
    import_text(LIST + f"9,,Ann,Lee,{ONE},\n")
    after = person_of(connection, "9")
    assert (after["persona_id"], after["is_ended"]) == (before["persona_id"], False)


def test_a_tombstone_of_one_lead_leaves_the_others(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """The deleted lead contributes nothing more; the person lives on by what is left."""
    import_text(LIST + f"9,,Annie,,{ONE},\n")
    import_text(
        SALESFORCE + f"{ID.format(1)},Ann,Lee,{ONE},{A},2026-01-01T00:00:00Z,false,\n",
        "salesforce",
    )
    import_text(SALESFORCE + deleted(1), "salesforce")
    (ann,) = people(connection)
    assert ann.golden["is_ended"] is False
    assert (ann.golden["first_name"], ann.golden["last_name"]) == ("Annie", None)
    check_golden(ann)


def test_a_merge_in_the_crm_is_followed(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """A tombstone that names its master joins the two people."""
    import_text(
        SALESFORCE
        + f"{ID.format(1)},Ann,Lee,{ONE},,2026-01-01T00:00:00Z,false,\n"
        + f"{ID.format(2)},Ann,Lee,{TWO},,2026-01-01T00:00:00Z,false,\n",
        "salesforce",
    )
    assert groups(connection) == [[ID.format(1)], [ID.format(2)]]
    import_text(SALESFORCE + deleted(2, ID.format(1)), "salesforce")
    (ann,) = people(connection)
    assert ann.golden["is_ended"] is False
    assert {("phone", ONE), ("phone", TWO)} <= set(ann.identities)
    assert len(fetch(connection, "SELECT FROM personas WHERE merged_into IS NOT NULL")) == 1
    check_claims(connection)


# Snapshots.

SNAPSHOT = """
name: crm_dump
source_file: feed
mode: snapshot
columns: {source_record_id: id, crm_id: id, first_name: name, phones: phone}
required: [source_record_id]
"""


@pytest.fixture
def _crm_dump(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more source, of which every file is the whole feed."""
    sources = {**load_sources(), "crm_dump": parse_source(SNAPSHOT, "crm_dump.yaml")}
    for module in list(sys.modules.values()):
        if getattr(module, "load_sources", None) is load_sources:
            monkeypatch.setattr(module, "load_sources", lambda: sources)


def dump(*numbers: int) -> str:
    return "id,name,phone\n" + "".join(f"{n},Ann,41555526{n:02d}\n" for n in numbers)


@pytest.mark.usefixtures("_crm_dump")
def test_a_record_that_a_snapshot_no_longer_has_is_missing(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """It is marked and counted beside the rows, its person stays; it comes back with its row."""
    import_text(dump(*range(20)), "crm_dump")
    outcome = import_text(dump(*range(19)), "crm_dump")
    assert (outcome.status, outcome.counts.landed, outcome.counts.unchanged) == ("done", 19, 19)
    missing = "SELECT source_record_id FROM leads WHERE is_missing"
    assert fetch(connection, missing) == [{"source_record_id": "19"}]
    ledger = "SELECT records_missing FROM imports WHERE import_id = %s"
    assert fetch(connection, ledger, outcome.import_id) == [{"records_missing": 1}]
    assert len(people(connection)) == 20
    before = snapshot(connection)
    import_text(dump(*range(19)), "crm_dump")
    assert snapshot(connection) == before
    import_text(dump(*range(20)), "crm_dump")
    assert fetch(connection, missing) == []


@pytest.mark.usefixtures("_crm_dump")
def test_a_snapshot_that_lost_too_many_is_held(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """More than max_delete_rate, a tenth, is likelier half an export than a great farewell."""
    import_text(dump(*range(20)), "crm_dump")
    before = snapshot(connection)
    assert import_text(dump(*range(17)), "crm_dump").status == "held"
    assert snapshot(connection) == before
    assert import_text(dump(*range(18)), "crm_dump").status == "done"
