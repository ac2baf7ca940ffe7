"""Judgements: who is one person and who is not, remembered whatever comes later."""

from collections.abc import Callable

import psycopg
import pytest
from psycopg.types.json import Jsonb

from contracts.errors import WrongCallError
from contracts.registry import parse_policy
from flows import judging, ledger, refolding, teams
from flows.jobs import Outcome
from flows.judgement_checks import start_judging
from flows.judging import run_judging
from flows.refolding import run_refold
from flows.settings import Settings
from tests.conftest import Import, snapshot
from tests.states import check_claims, check_golden, fetch, people
from tests.test_identity import (
    LIST,
    ONE,
    THREE,
    TWO,
    A,
    B,
    candidates,
    groups,
    holders,
    person_of,
    set_policy,
)
from transforms.decide import Judgement
from transforms.pair_ids import pair_id
from transforms.plan import Plan, make_plan
from transforms.relations import Work, query

Judge = Callable[..., Outcome]
ANN_PHONE = f"1,,Ann,Lee,{ONE},\n"
ANN_EMAIL = f"2,,Ann,Lee,,{A}\n"
ANN_BOTH = f"3,,Ann,Lee,{ONE},{A}\n"


@pytest.fixture
def judge(connection: psycopg.Connection, settings: Settings) -> Judge:
    """Judges pairs of records: ``judge(("1", "2", "same"), ...)``; claims hold after each."""

    def do(*said: tuple[str, str, Judgement], by: str = "eve") -> Outcome:
        wanted = {pair_of(connection, one, other): judgement for one, other, judgement in said}
        team = teams.find_team(connection, "acme")
        outcome = run_judging(start_judging(team, wanted, by), settings)
        check_claims(connection)
        for person in people(connection):
            check_golden(person)
        return outcome

    return do


@pytest.fixture
def refold(
    connection: psycopg.Connection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], object]:
    """Refolds by the policy in effect, and tells what it wrote."""

    def do() -> object:
        query = "SELECT policy_rules::text AS rules FROM teams WHERE team_id = 'acme'"
        rules = fetch(connection, query)[0]["rules"]
        monkeypatch.setattr(refolding, "load_policy", lambda _: parse_policy(rules))
        return run_refold("acme", settings).effects

    return do


def pair_of(connection: psycopg.Connection, one: str, other: str) -> tuple[str, str]:
    """The key of the candidate of two records' people; the pair is told where no import did."""
    for row in candidates(connection):
        ids = {
            name: {
                *(row[f"{name}_lead_ids"] or ()),
                *(
                    lead["lead_id"]
                    for lead in fetch(
                        connection,
                        "SELECT lead_id FROM leads WHERE team_id = 'acme' AND persona_id ="
                        " leadfold_find_persona('acme', %s)",
                        row[f"{name}_id"],
                    )
                ),
            }
            for name in ("left", "right")
        }
        leads = [lead_of(connection, record)["lead_id"] for record in (one, other)]
        for first, second in (leads, leads[::-1]):
            if first in ids["left"] and second in ids["right"]:
                return row["left_id"], row["right_id"]
    key = sorted(lead_of(connection, record)["persona_id"] for record in (one, other))
    connection.execute(
        "INSERT INTO merge_candidates (team_id, left_id, right_id, guard, kind, value, evidence,"
        " import_id) VALUES ('acme', %s, %s, 'bridge', 'phone', '', %s, '')",
        [*key, Jsonb({"links": []})],
    )
    return key[0], key[1]


def lead_of(connection: psycopg.Connection, record: str) -> dict[str, str]:
    (found,) = fetch(
        connection, "SELECT lead_id, persona_id FROM leads WHERE source_record_id = %s", record
    )
    return found


def bridge(import_text: Import) -> None:
    """Two Anns, and a record that is about one of them and states a claim of both."""
    import_text(LIST + ANN_PHONE, name="a.csv")
    import_text(LIST + ANN_EMAIL, name="b.csv")
    import_text(LIST + ANN_BOTH, name="c.csv")


def test_two_who_are_the_same_become_one(
    connection: psycopg.Connection,
    import_text: Import,
    judge: Judge,
    refold: Callable[[], object],
) -> None:
    """The oldest id stays with all records and claims; it is an import of its own, of no rows."""
    bridge(import_text)
    older, newer = (person_of(connection, record)["persona_id"] for record in ("1", "2"))
    outcome = judge(("1", "2", "same"))
    assert outcome.status == "done", outcome.reason
    (ann,) = people(connection)
    assert ann.golden["persona_id"] == older
    assert set(ann.identities) == {("phone", ONE), ("email", A)}
    assert groups(connection) == [["1", "2", "3"]]
    find = "SELECT leadfold_find_persona('acme', %s) AS id"
    assert fetch(connection, find, newer) == [{"id": older}]
    (pair,) = candidates(connection)
    assert (pair["judgement"], pair["judged_by"], pair["guard"]) == ("same", "eve", "bridge")
    leads = {r: lead_of(connection, r)["lead_id"] for r in "123"}
    assert (pair["left_lead_ids"], pair["right_lead_ids"]) == (
        sorted([leads["1"], leads["3"]]),
        [leads["2"]],
    )
    entry = ledger.find_import(connection, outcome.import_id)
    said = (entry.cause, entry.source, entry.source_file, entry.file_name, entry.started_by)
    assert said == ("review", "review", "review", "1 judgement", "eve")
    assert set(entry.counts) == {0}
    assert entry.effects == outcome.effects
    assert refold() == {}


def test_what_is_one_stays_one(
    connection: psycopg.Connection, import_text: Import, judge: Judge
) -> None:
    """The files come again, both or one of them: nothing is written. A third finds the one."""
    bridge(import_text)
    judge(("1", "2", "same"))
    before = snapshot(connection)
    for name, row in (("b.csv", ANN_EMAIL), ("a.csv", ANN_PHONE), ("c.csv", ANN_BOTH)):
        assert import_text(LIST + row, name=name).counts.unchanged == 1
    assert snapshot(connection) == before
    import_text(LIST + f"4,,Ann,Lee,,{A}\n5,,Ann,Lee,{ONE},{B}\n", name="d.csv")
    assert groups(connection) == [["1", "2", "3", "4", "5"]]


@pytest.mark.parametrize("merge", ["review", "auto"])
@pytest.mark.parametrize("is_reversed", [False, True])
def test_two_who_are_not_the_same_stay_two(
    connection: psycopg.Connection,
    import_text: Import,
    judge: Judge,
    merge: str,
    is_reversed: bool,
) -> None:
    """Whatever comes later: the files again, a third record, a policy that merges."""
    bridge(import_text)
    judge(("2", "1", "not_same") if is_reversed else ("1", "2", "not_same"))
    set_policy(connection, merge=merge)
    for name, row in (("b.csv", ANN_EMAIL), ("c.csv", ANN_BOTH), ("a.csv", ANN_PHONE)):
        import_text(LIST + row, name=name)
    import_text(LIST + f"4,,Ann,Lee,{ONE},{A}\n", name="d.csv")
    import_text(LIST + f"5,,Ann,Lee,{THREE},{A}\n6,,Ann,Lee,{THREE},{ONE}\n", name="e.csv")
    check_claims(connection)
    assert person_of(connection, "1")["persona_id"] != person_of(connection, "2")["persona_id"]


def test_several_judgements_of_one_call_make_a_chain(
    connection: psycopg.Connection,
    import_text: Import,
    judge: Judge,
    refold: Callable[[], object],
) -> None:
    """A is B and B is C: three people become one, in one import."""
    import_text(LIST + f"1,,Ann,Lee,{ONE},\n", name="a.csv")
    import_text(LIST + f"2,,Bea,Lee,{ONE},{A}\n", name="b.csv")
    import_text(LIST + f"3,,Cid,Lee,{TWO},{A}\n", name="c.csv")
    assert len(candidates(connection)) == 2
    outcome = judge(("1", "2", "same"), ("2", "3", "same"))
    assert outcome.file_name == "2 judgements"
    assert groups(connection) == [["1", "2", "3"]]
    assert holders(connection, "phone", ONE) == holders(connection, "email", A) == [True]
    assert refold() == {}


@pytest.mark.parametrize("is_one_call", [True, False])
def test_judgements_that_contradict_are_refused(
    connection: psycopg.Connection, import_text: Import, judge: Judge, is_one_call: bool
) -> None:
    """A is B, B is C, but A is not C: nothing is done, whether said at once or one after the
    other."""
    for number, name in enumerate(("Ann", "Bea", "Cid"), start=1):
        import_text(LIST + f"{number},,{name},Lee,{ONE},\n", name=f"{number}.csv")
    if is_one_call:
        pairs = [("1", "2", "same"), ("2", "3", "same"), ("1", "3", "not_same")]
    else:
        judge(("1", "3", "not_same"))
        pairs = [("1", "2", "same"), ("2", "3", "same")]
    before = snapshot(connection), len(ledger.list_imports(connection))
    with pytest.raises(WrongCallError, match="judged not the same"):
        judge(*pairs)
    assert (snapshot(connection), len(ledger.list_imports(connection))) == before
    judge(pairs[0])
    assert groups(connection) == [["1", "2"], ["3"]]


def test_a_judgement_may_be_changed(
    connection: psycopg.Connection, import_text: Import, judge: Judge
) -> None:
    """Not the same, then the same; the same judgement twice is refused, and so is taking apart."""
    bridge(import_text)
    judge(("1", "2", "not_same"), by="eve")
    with pytest.raises(WrongCallError, match="were judged not the same already, by eve"):
        judge(("1", "2", "not_same"))
    judge(("1", "2", "same"), by="bob")
    assert groups(connection) == [["1", "2", "3"]]
    assert [row["judged_by"] for row in candidates(connection)] == ["bob"]
    for judgement in ("same", "not_same"):
        with pytest.raises(WrongCallError, match="one person by now"):
            judge(("1", "2", judgement))


def test_a_judgement_follows_who_was_merged(
    connection: psycopg.Connection, import_text: Import, judge: Judge, settings: Settings
) -> None:
    """2 is not 3 and 1 is 2: then 1 is not 3 either, and no third record joins them."""
    for number, name in enumerate(("Ann", "Bea", "Cid"), start=1):
        import_text(LIST + f"{number},,{name},Lee,{ONE},\n", name=f"{number}.csv")
    judge(("2", "3", "not_same"))
    (judged,) = (row for row in candidates(connection) if row["judgement"])
    judge(("1", "2", "same"))
    set_policy(connection, merge="auto", guards={"names": False})
    import_text(LIST + f"9,,Ann,Lee,{ONE},\n8,,Cid,Lee,{ONE},\n", name="d.csv")
    import_text(LIST + f"7,,Ann,Lee,{ONE},{A}\n6,,Cid,Lee,,{A}\n", name="e.csv")
    assert person_of(connection, "1")["persona_id"] != person_of(connection, "3")["persona_id"]
    assert person_of(connection, "1")["persona_id"] == person_of(connection, "2")["persona_id"]
    # The pair that was judged is about 1 and 3 now, and may be judged anew.
    with pytest.raises(WrongCallError, match=pair_id((judged["left_id"], judged["right_id"]))):
        judge(("1", "3", "same"))
    team = teams.find_team(connection, "acme")
    key = (judged["left_id"], judged["right_id"])
    run_judging(start_judging(team, {key: "same"}, "eve"), settings)
    check_claims(connection)
    assert person_of(connection, "1")["persona_id"] == person_of(connection, "3")["persona_id"]


def test_open_pairs_follow_who_was_merged(
    connection: psycopg.Connection, import_text: Import, judge: Judge
) -> None:
    """What was told of 2 is told of 1 from then on."""
    import_text(LIST + f"1,,Ann,Lee,{ONE},\n", name="a.csv")
    import_text(LIST + f"2,,Bea,Lee,{ONE},{A}\n", name="b.csv")
    import_text(LIST + f"3,,Cid,Lee,{TWO},{A}\n", name="c.csv")
    judge(("1", "2", "same"))
    ids = sorted(person_of(connection, record)["persona_id"] for record in ("1", "3"))
    (pair,) = (row for row in candidates(connection) if row["judgement"] is None)
    assert [pair["left_id"], pair["right_id"], pair["value"]] == [*ids, A]
    judge(("1", "3", "same"))
    assert groups(connection) == [["1", "2", "3"]]


def test_the_newer_edit_by_hand_wins(
    connection: psycopg.Connection, import_text: Import, judge: Judge
) -> None:
    """Whichever of the two has it."""
    bridge(import_text)
    for record, city in (("1", "Bonn"), ("2", "Rome")):
        connection.execute(
            "UPDATE personas SET city = %s WHERE persona_id = %s",
            [city, person_of(connection, record)["persona_id"]],
        )
    judge(("1", "2", "same"))
    assert person_of(connection, "1")["city"] == "Rome"


def test_who_was_put_in_by_hand_is_kept_apart(
    connection: psycopg.Connection, import_text: Import, judge: Judge, settings: Settings
) -> None:
    """Without a record, the judgement is about the person."""
    import_text(LIST + ANN_EMAIL, name="b.csv")
    connection.execute(
        "INSERT INTO personas (team_id, persona_id, first_name, phone, import_id)"
        " VALUES ('acme', 'persona_1', 'Ann', %s, '')",
        [ONE],
    )
    import_text(LIST + f"3,,Ann,Lee,{TWO},{A}\n", name="c.csv")
    key = sorted(["persona_1", person_of(connection, "2")["persona_id"]])
    connection.execute(
        "INSERT INTO merge_candidates (team_id, left_id, right_id, guard, kind, value, evidence,"
        " import_id) VALUES ('acme', %s, %s, 'bridge', 'phone', '', '{}', '')",
        key,
    )
    team = teams.find_team(connection, "acme")
    run_judging(start_judging(team, {(key[0], key[1]): "not_same"}, "eve"), settings)
    set_policy(connection, merge="auto")
    import_text(LIST + f"4,,Ann,Lee,{ONE},{A}\n", name="d.csv")
    check_claims(connection)
    live = fetch(connection, "SELECT persona_id FROM personas WHERE merged_into IS NULL")
    assert len(live) == 2


def test_who_shares_with_many_merges_into_one_of_them(
    connection: psycopg.Connection,
    import_text: Import,
    judge: Judge,
    refold: Callable[[], object],
) -> None:
    """Of an office line the number of people falls by one; when all are one, it is theirs alone."""
    names = ("Ann", "Bob", "Cid", "Dora", "Eve")
    rows = [f"{n},,{n},Of{n},{ONE},\n" for n in names]
    import_text(LIST + "".join(rows))
    judge(("Ann", "Bob", "same"))
    assert holders(connection, "phone", ONE) == [False] * 4
    (crowd,) = (row for row in candidates(connection) if row["guard"] == "shared_value")
    assert crowd["evidence"]["people"] == 4
    assert refold() == {}
    import_text(LIST + "".join(rows))
    judge(("Bob", "Cid", "same"), ("Cid", "Dora", "same"), ("Dora", "Eve", "same"))
    assert holders(connection, "phone", ONE) == [True]
    assert refold() == {}


def test_a_shared_value_is_no_pair(connection: psycopg.Connection, import_text: Import) -> None:
    """It is refused clearly."""
    import_text(LIST + "".join(f"{n},,{n},Of{n},{ONE},\n" for n in ("Ann", "Bob", "Cid", "Dora")))
    from flows.judgement_checks import check_judging

    team = teams.find_team(connection, "acme")
    with pytest.raises(WrongCallError, match="is no pair of people"):
        check_judging(connection, start_judging(team, {("phone", ONE): "same"}, "eve"))


def test_only_those_concerned_are_read(
    connection: psycopg.Connection,
    import_text: Import,
    judge: Judge,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The two, and whoever shares a value with them; not the team, nor a crowd."""
    office = [f"o{n},,Of{n},Zed,{TWO},\n" for n in ("Ann", "Bob", "Cid", "Dora", "Eve", "Fay")]
    import_text(LIST + "".join(office) + f"s,,Zoe,Ash,{THREE},\n")
    import_text(
        LIST + f"1,,Ann,Lee,{ONE},\n2,,Bea,Lee,{ONE},{A}\n3,,Cid,Lee,{TWO},{A}\n", name="b.csv"
    )
    read: list[set[str]] = []

    def spy(work: Work, import_id: str) -> Plan:
        read.append(set(query(work, "select first_name from stored_personas")["first_name"]))
        return make_plan(work, import_id)

    monkeypatch.setattr(judging, "make_plan", spy)
    judge(("1", "2", "same"))
    judge(("2", "3", "not_same"))
    assert read == [{"Ann", "Bea", "Cid"}, {"Bea", "Cid"}]


def test_who_was_the_same_and_taken_apart_may_be_the_same_again(
    connection: psycopg.Connection, import_text: Import, judge: Judge
) -> None:
    """What counts is who is two."""
    bridge(import_text)
    pair_of(connection, "1", "2")
    connection.execute("UPDATE merge_candidates SET judgement = 'same', judged_by = 'bob'")
    judge(("1", "2", "same"))
    assert groups(connection) == [["1", "2", "3"]]
