"""Lone records are planned by themselves, and as all others are."""

from contextlib import closing
from hashlib import md5

import duckdb
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

import flows.folding
import flows.jobs
import transforms.lone
import transforms.planned_rows
import transforms.relations
from contracts.policy import Policy
from contracts.registry import load_policy
from flows.jobs import Outcome
from flows.staging import list_sources
from tests.conftest import Import
from tests.place import Place, attack
from tests.states import content, opt_outs, people
from tests.worlds import File, worlds
from transforms.ids import make_id, number_part
from transforms.lone import count_lone, set_lone_aside
from transforms.plan_changes import Change, Changes
from transforms.relations import Work, query
from transforms.work_tables import open_work

POLICIES = (
    load_policy("per_niche"),
    load_policy("default").model_copy(update={"match": (("crm_id",),)}),
)


@attack
@given(worlds(most=3))
def test_lone_records_come_to_what_all_steps_would_make_of_them(
    place: Place, world: tuple[File, ...]
) -> None:
    """Whether any is set aside is a matter of speed: leads, people, claims, counts and what a dry
    run tells are the same."""
    place.empty("aside", "along")
    told: dict[str, list[Outcome]] = {"aside": [], "along": []}
    for file in world:
        for team, outcomes in told.items():
            with pytest.MonkeyPatch.context() as patch:
                # However few there are; or none, however many.
                patch.setattr(transforms.lone, "FEW_RECORDS", 0 if team == "aside" else 9**9)
                outcomes.append(place.run(file, team))
    _is_same(place, told, "aside", "along")


@attack
@given(worlds(most=2), st.sampled_from(POLICIES))
def test_nor_is_it_by_other_policies(place: Place, world: tuple[File, ...], policy: Policy) -> None:
    """By which a phone or an email may identify nobody, or several values together somebody."""
    place.empty("aside", "along")
    told: dict[str, list[Outcome]] = {"aside": [], "along": []}
    for file in world:
        for team, outcomes in told.items():
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(flows.jobs.Job, "policy", policy)
                patch.setattr(transforms.lone, "FEW_RECORDS", 0 if team == "aside" else 9**9)
                outcomes.append(place.run(file, team))
    _is_same(place, told, "aside", "along")


@attack
@given(worlds(most=3))
def test_how_much_is_done_at_a_time_changes_nothing(place: Place, world: tuple[File, ...]) -> None:
    """A large file is taken a stretch at a time: a record at a time comes to the same."""
    place.empty("stretches", "whole")
    told: dict[str, list[Outcome]] = {"stretches": [], "whole": []}
    for file in world:
        for team, outcomes in told.items():
            with pytest.MonkeyPatch.context() as patch:
                if team == "stretches":
                    patch.setattr(transforms.relations, "STRETCH_ROWS", 1)
                    patch.setattr(transforms.planned_rows, "_TEXT_ROWS", 1)
                outcomes.append(place.run(file, team))
    _is_same(place, told, "stretches", "whole")


def _is_same(place: Place, told: dict[str, list[Outcome]], one: str, other: str) -> None:
    """What imports of the same files told, and what they left."""
    for left, right in zip(told[one], told[other], strict=True):
        assert (left.status, left.reason) == (right.status, right.reason)
        assert (left.counts, left.match) == (right.counts, right.match)
        assert left.effects == right.effects
    assert content(place.connection, one) == content(place.connection, other)
    assert opt_outs(place.connection, one) == opt_outs(place.connection, other)


FILE = (
    "id,First Name,Phone,Email\n"
    "1,Ann,415-555-2671,ann@example.com\n"
    "2,Bob,,bob@example.com\n"
    "2,Bob,,bob@example.com\n"
    "3,Cid,415-555-2672,\n"
    "4,Dora,415-555-2672,\n"
    "5,Eve,,eve@example.com\n"
)


def test_who_shares_anything_or_stands_twice_is_not_lone(
    import_text: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a first file Ann and Eve; of the same people in a second one nobody."""
    found: list[set[str]] = []

    def spy(work: Work) -> None:
        set_lone_aside(work)
        lone = query(work, "select source_record_id from lone_records")["source_record_id"]
        assert count_lone(work) == len(lone)
        found.append(set(lone))

    monkeypatch.setattr(transforms.lone, "FEW_RECORDS", 0)
    monkeypatch.setattr(flows.folding, "set_lone_aside", spy)
    import_text(FILE)
    import_text(FILE, name="other.csv")
    assert found == [{"1", "5"}, set()]


def test_a_dry_run_tells_of_lone_records_what_it_tells_of_others(
    import_text: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Number and kind of changes, names, values and lines; ids alone differ."""
    monkeypatch.setattr(transforms.lone, "FEW_RECORDS", 0)
    aside = import_text(FILE, is_dry_run=True)
    monkeypatch.undo()
    along = import_text(FILE, is_dry_run=True)
    assert aside.changes is not None
    assert along.changes is not None
    assert aside.changes.counts == along.changes.counts
    assert aside.changes.rows == along.changes.rows

    def shown(changes: Changes) -> list[Change]:
        rows = [row for sample in changes.samples for row in sample.changes]
        return [row._replace(id=None, other_id=None) for row in rows]

    assert shown(aside.changes) == shown(along.changes)


def test_a_policy_that_wants_the_longest_phone_looks_at_several(
    import_text: Import, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of several is not the one that such a rule wants."""
    monkeypatch.setattr(transforms.lone, "FEW_RECORDS", 0)
    policy = load_policy("default")
    rules = policy.survive | {"phone": "longest"}
    longest = policy.model_copy(update={"survive": rules})
    monkeypatch.setattr(flows.jobs.Job, "policy", longest)
    import_text("id,Phone,Mobile\n1,+4930901820,+4915123456789\n")
    assert [person.golden["phone"] for person in people(connection)] == ["+4915123456789"]


def test_new_ids_sort_by_their_number_within_an_import() -> None:
    """Python's letters and those of the statement are one alphabet; imports of a millisecond
    differ."""
    numbers = [0, 1, 9, 10, 17, 18, 31, 32, 1023, 1024, 32**8 - 1]
    with closing(duckdb.connect()) as work:
        open_work(work, list_sources())
        ids = [
            query(work, "select numbered_id('lead', $part, $number) as id", part=PART, number=n)
            for n in numbers
        ]
    found = [id.item() for id in ids]
    assert found == sorted(found)
    prefix = int.from_bytes(md5(IMPORT.encode()).digest()[:5]) << 40
    assert found == [make_id("lead", 1469918176385, prefix | number) for number in numbers]
    assert number_part(IMPORT[:-1] + "1") != PART


IMPORT = "import_01ARYZ6S410000000000000000"
PART = number_part(IMPORT)
