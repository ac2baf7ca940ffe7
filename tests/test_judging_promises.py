"""Judgements as properties: what people said holds after any sequence of files.

Worlds are those of tests/test_promises.py, and so are the ways to soak them.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from contracts.errors import WrongCallError
from contracts.registry import parse_policy
from flows import refolding, teams, warehouse
from flows.candidates import Told, list_told
from flows.importing import run_import
from flows.jobs import Outcome, Request
from flows.judgement_checks import start_judging
from flows.judging import run_judging
from flows.refolding import run_refold
from flows.settings import Settings
from tests.place import EXAMPLES, Place, attack
from tests.states import check_claims, check_golden, fetch, people
from tests.test_identity import set_policy
from tests.worlds import VILLAGES, File, Row, files, worlds
from transforms.decide import Judgement
from transforms.pair_ids import PairKey

Leads = frozenset[str]

# Each example judges ten pairs and more, and runs as many imports.
few = hypothesis_settings(attack, max_examples=max(1, EXAMPLES // 2))


def _list(name: str, *rows: Row) -> File:
    """A list that says the same in each village."""
    return File(
        "generic", name, tuple(replace(row, village=v) for row in rows for v in range(VILLAGES))
    )


# Two Anns whom a third record bridges, and a Bob and a Cid who share a phone.
PAIRS = (
    _list(
        "pairs_a.csv",
        Row(record=0, first="Ann", last="Lee", phones=(0,)),
        Row(record=1, first="Bob", last="Lee", phones=(1,), city="Bonn"),
    ),
    _list(
        "pairs_b.csv",
        Row(record=0, first="Ann", last="Lee", emails=(0,), city="Rome", clock=1),
        Row(record=1, first="Cid", last="Moss", phones=(1,), city="Ulm", clock=2),
    ),
    _list("pairs_c.csv", Row(record=0, first="Ann", last="Lee", phones=(0,), emails=(0,))),
)


@pytest.fixture
def town(settings: Settings, tmp_path: Path) -> Iterator[Place]:
    """A database that is emptied between examples."""
    with closing(warehouse.connect(settings)) as connection:
        yield Place(settings, tmp_path, connection)


def leads_of(connection: psycopg.Connection, persona_id: str | None) -> Leads:
    found = fetch(connection, "SELECT lead_id FROM leads WHERE persona_id = %s", persona_id)
    return frozenset(row["lead_id"] for row in found)


def persons(connection: psycopg.Connection, leads: Leads) -> set[str]:
    query = "SELECT DISTINCT persona_id FROM leads WHERE lead_id = ANY(%s)"
    return {row["persona_id"] for row in fetch(connection, query, sorted(leads))}


def judge(place: Place, wanted: dict[PairKey, Judgement]) -> Outcome:
    team = teams.find_team(place.connection, "acme")
    return run_judging(start_judging(team, wanted, "eve"), place.settings)


def judge_all(place: Place, wanted: dict[PairKey, Judgement]) -> dict[PairKey, Judgement]:
    """All at once; where some contradict others, in halves, and those that can be."""
    try:
        assert judge(place, wanted).status == "done"
    except WrongCallError:
        if len(wanted) == 1:
            return {}
        said, half = list(wanted.items()), len(wanted) // 2
        return judge_all(place, dict(said[:half])) | judge_all(place, dict(said[half:]))
    check(place)
    return wanted


def open_pairs(place: Place) -> list[Told]:
    return [each for each in list_told(place.connection, "acme") if each.is_open]


def check(place: Place) -> None:
    check_claims(place.connection)
    for person in people(place.connection):
        check_golden(person)


@few
@given(
    st.data(),
    worlds(most=2),
    files("generic", "later.csv", most_rows=6),
    st.sampled_from(("review", "auto")),
)
def test_what_was_judged_holds(
    town: Place,
    data: st.DataObject,
    world: tuple[File, ...],
    later: File,
    merge: str,
) -> None:
    """Who is one stays one, and who is two stays two: whatever comes again, in whatever order, and
    with it a new list that shares claims with everybody, also where the policy merges."""
    town.empty()
    world = data.draw(st.permutations([*PAIRS, *world]))
    for file in world:
        town.run(file)
    pairs = {each.key: each for each in open_pairs(town)}
    wanted: dict[PairKey, Judgement] = {
        key: data.draw(st.sampled_from(("same", "not_same"))) for key in pairs
    }
    sides = {
        key: tuple(leads_of(town.connection, i) for i in (pair.one_id, pair.other_id))
        for key, pair in pairs.items()
    }
    judged = judge_all(town, wanted)
    assert judged
    set_policy(town.connection, merge=merge)
    for file in data.draw(st.permutations([*world, later])):
        town.run(file)
        check_claims(town.connection)
    for key, judgement in judged.items():
        left, right = (persons(town.connection, side) for side in sides[key])
        assert left.isdisjoint(right) if judgement == "not_same" else left == right
        assert len(left) == len(right) == 1


@few
@given(worlds(most=2))
def test_a_refold_after_judgements_changes_nothing(town: Place, world: tuple[File, ...]) -> None:
    """All that could be one is: what that leaves is what all leads say, claims and records. And the
    files, when they come again, bring nobody new."""
    town.empty()
    for file in (*PAIRS, *world):
        town.run(file)
    before = refold_effects(town)
    while pairs := open_pairs(town):
        judge_all(town, {pair.key: "same" for pair in pairs})
    if before == {}:
        assert refold_effects(town) == {}
    people_before = len(people(town.connection))
    for file in (*PAIRS, *world[-1:]):
        town.run(file)
    assert len(people(town.connection)) == people_before


def refold_effects(place: Place) -> object:
    query = "SELECT policy_rules::text AS rules FROM teams WHERE team_id = 'acme'"
    rules = fetch(place.connection, query)[0]["rules"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refolding, "load_policy", lambda _: parse_policy(rules))
        return run_refold("acme", place.settings).effects


def at_once(*calls: Callable[[], Outcome]) -> list[Outcome]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [done.result() for done in [pool.submit(call) for call in calls]]


@pytest.mark.parametrize("judgement", ["same", "not_same"])
def test_judging_while_an_import_runs(town: Place, tmp_path: Path, judgement: Judgement) -> None:
    """One waits for the other; whoever is first, the judgement holds and the file is in."""
    town.empty()
    header = "id,first_name,last_name,phone,email\n"
    texts = {
        "a.csv": "1,Ann,Lee,+14155552671,\n",
        "b.csv": "2,Ann,Lee,,ann@example.com\n",
        "c.csv": "3,Ann,Lee,+14155552671,ann@example.com\n",
        "d.csv": "".join(f"x{n},Ann,Lee,+14155552671,ann@example.com\n" for n in range(300)),
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(header + text)

    def bring(name: str) -> Outcome:
        (outcome,) = run_import(Request(tmp_path / name, "acme", "generic"), town.settings)
        return outcome

    for name in ("a.csv", "b.csv", "c.csv"):
        assert bring(name).status == "done"
    (pair,) = open_pairs(town)
    left, right = (leads_of(town.connection, i) for i in (pair.one_id, pair.other_id))
    set_policy(town.connection, merge="review" if judgement == "same" else "auto")
    done = at_once(
        lambda: bring("d.csv"),
        lambda: judge(town, {pair.key: judgement}),
        lambda: bring("a.csv"),
    )
    check(town)
    assert [outcome.status for outcome in (done[0], done[2])] == ["done", "done"]
    apart = persons(town.connection, left).isdisjoint(persons(town.connection, right))
    if done[1].status == "done":
        assert apart == (judgement == "not_same")
    else:
        # Under merge auto the file that came first has made one of them.
        assert judgement == "not_same"
        assert "one person by now" in done[1].reason
    assert len(fetch(town.connection, "SELECT FROM leads")) == 303
