"""Who joins whom where not all can be one person: small cases, told by facts alone."""

from collections.abc import Iterable

import pytest

from transforms.untangle import Facts, Held, Value, untangle

ANN, BOB, INITIAL = 1, 2, 3
# An initial fits Ann and Bob alike here; Ann and Bob contradict.
APART = {frozenset({ANN, BOB})}


def contradict(left: frozenset[int], right: frozenset[int]) -> str | None:
    pairs = (frozenset({one, other}) for one in left for other in right)
    return "name" if any(pair in APART for pair in pairs) else None


def person(*names: int, **facts: frozenset[int]) -> Facts:
    return Facts(person=True, names=frozenset(names), **facts)


def record(*names: int, ids: Iterable[tuple[str, str]] = ()) -> Facts:
    return Facts(names=frozenset(names), ids=frozenset(ids))


def phone(*nodes: int, holders: Iterable[int] = (), number: int = 1) -> Value:
    return Value(number, True, False, nodes, frozenset(holders))


def run(
    facts: dict[int, Facts],
    *values: Value,
    own: Iterable[tuple[int, int]] = (),
    is_vetoed: bool = False,
    may_merge: bool = False,
) -> tuple[list[set[int]], list[Held]]:
    """The clusters, and the links held back."""
    labels, held = untangle(
        own, values, facts, contradict, is_vetoed=is_vetoed, may_merge=may_merge
    )
    groups = [{node for node in labels if labels[node] == label} for label in set(labels.values())]
    return sorted(groups, key=min), held


def test_a_nameless_row_joins_no_two_people() -> None:
    """It fits both, so it stays alone; the next one without a name joins it."""
    facts = {0: record(ANN), 1: record(BOB), 2: record(), 3: record()}
    groups, held = run(facts, phone(0, 1, 2, 3))
    assert groups == [{0}, {1}, {2, 3}]
    assert {(each.left_no, each.right_no, each.guard) for each in held} == {
        (0, 1, "name"),
        (0, 2, "ambiguous"),
        (1, 2, "ambiguous"),
    }


def test_a_name_decides_among_those_who_share() -> None:
    """Of several that fit the one of this very name."""
    facts = {0: record(ANN), 1: record(INITIAL), 2: record(BOB), 3: record(INITIAL)}
    groups, _ = run(facts, phone(0, 2, 1, 3))
    assert groups == [{0}, {1, 3}, {2}]


def test_who_holds_the_value_comes_before_who_only_states_it() -> None:
    """A stored person whose own record now states another's phone does not draw rows away."""
    facts = {0: record(ANN), 1: record(ANN), 8: person(ANN), 9: person(ANN)}
    groups, held = run(facts, phone(9, 0, 1, holders=[9]), own=[(0, 8)])
    assert groups == [{0, 8}, {1, 9}]
    assert [each.guard for each in held] == ["bridge"]


@pytest.mark.parametrize("may_merge", [False, True])
def test_two_stored_people_become_one_only_if_they_may(may_merge: bool) -> None:
    """A row between them is not enough by itself."""
    facts = {0: record(ANN), 8: person(ANN), 9: person(ANN)}
    values = (phone(8, 0, holders=[8]), phone(9, 0, holders=[9], number=2))
    groups, held = run(facts, *values, may_merge=may_merge)
    assert groups == ([{0, 8, 9}] if may_merge else [{0, 8}, {9}])
    assert [each.value_no for each in held] == ([] if may_merge else [2])


def test_a_name_that_both_have_says_nothing_against_them() -> None:
    """Whom the CRM called Ann and then Bob is Bob, too."""
    facts = {0: record(ANN), 1: record(BOB), 2: record(BOB)}
    crm_id = Value(1, False, False, (0, 1), frozenset())
    assert run(facts, crm_id, phone(0, 2, number=2))[0] == [{0, 1, 2}]


def test_ids_of_one_crm_are_two_people_if_the_policy_says_so() -> None:
    """But ids of two CRMs are not."""
    facts = {0: record(ids=[("x", "1")]), 1: record(ids=[("x", "2")]), 2: record(ids=[("y", "2")])}
    assert run(facts, phone(0, 1, 2), is_vetoed=False)[0] == [{0, 1, 2}]
    groups, held = run(facts, phone(0, 1), phone(0, 2, number=2), is_vetoed=True)
    assert groups == [{0, 2}, {1}]
    assert [each.guard for each in held] == ["crm_id"]


def test_a_merge_in_the_crm_asks_no_guard_but_a_judgement() -> None:
    """Stored people, and names that contradict."""
    facts = {0: record(ANN), 8: person(ANN), 9: person(BOB)}
    merge = Value(1, False, True, (9, 0), frozenset([9]))
    assert run(facts, merge, own=[(0, 8)])[0] == [{0, 8, 9}]
    facts[8] = person(ANN, apart=frozenset([9]))
    facts[9] = person(BOB, apart=frozenset([8]))
    groups, held = run(facts, merge, own=[(0, 8)])
    assert groups == [{0, 8}, {9}]
    assert [each.guard for each in held] == ["judgement"]


def test_a_link_held_back_is_forgotten_where_another_joins_them() -> None:
    """Ann and Bob on one phone, whom a CRM id makes one."""
    facts = {0: record(ANN), 1: record(BOB)}
    crm_id = Value(2, False, False, (0, 1), frozenset())
    groups, held = run(facts, phone(0, 1), crm_id)
    assert groups == [{0, 1}]
    assert held == []
