"""Clusters in which not all can be one person, taken apart link by link."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

# Beyond so many people under one value, each new one is paired with the first only.
_PAIRED_WITH_ALL = 10

Contradict = Callable[[frozenset[int], frozenset[int]], str | None]
"""Whether two sets of names cannot be one person's: the guard that says so."""


class Value(NamedTuple):
    """One value that several nodes state.

    Attributes:
        value_no: Its number in ``joint_values``.
        is_guarded: Whether names, suffixes and CRM ids may keep apart who shares it.
        is_merging: Whether the CRM itself says that who shares it is one.
        nodes: Who states it: stored people who hold it first, then records by fullness of name.
        holders: Those of the nodes that are stored people who hold it.
    """

    value_no: int
    is_guarded: bool
    is_merging: bool
    nodes: tuple[int, ...]
    holders: frozenset[int]


class Facts(NamedTuple):
    """What is known of one node.

    Attributes:
        person: Whether it is a stored person.
        names: Numbers of its names.
        ids: CRM ids, as (name space, id).
        apart: Nodes of whom a judgement says that they are somebody else; these say so of it, too.
    """

    person: bool = False
    names: frozenset[int] = frozenset()
    ids: frozenset[tuple[str, str]] = frozenset()
    apart: frozenset[int] = frozenset()


class Held(NamedTuple):
    """A link that was held back: two nodes, the value that they share, and the guard."""

    left_no: int
    right_no: int
    value_no: int
    guard: str


class _Cluster:
    def __init__(self, node: int, facts: Facts) -> None:
        self.node = node
        self.nodes = [node]
        self.people = {node} if facts.person else set()
        self.names, self.ids, self.apart = set(facts.names), set(facts.ids), set(facts.apart)

    def take(self, other: "_Cluster") -> None:
        self.node = min(self.node, other.node)
        self.nodes += other.nodes
        self.people |= other.people
        self.names |= other.names
        self.ids |= other.ids
        self.apart |= other.apart


def untangle(
    own: Iterable[tuple[int, int]],
    values: Iterable[Value],
    facts: Mapping[int, Facts],
    contradict: Contradict,
    *,
    is_vetoed: bool,
    may_merge: bool,
) -> tuple[dict[int, int], list[Held]]:
    """Join nodes value by value, best first, wherever no guard holds the link back.

    Args:
        own: Records and the stored person of their own lead: joined before all else.
        values: What is shared, the best claims first; their order and that of their nodes decide
            who joins whom, so it must come from the data alone.
        facts: Of every node.
        contradict: Compares names.
        is_vetoed: Whether two ids of one CRM are always two people.
        may_merge: Whether two stored people may become one by what a row states.

    Returns:
        The label of every node, the smallest node that it is joined to; and the links held back
        between clusters that stayed apart.
    """
    clusters = {node: _Cluster(node, fact) for node, fact in facts.items()}

    def join(one: _Cluster, other: _Cluster) -> _Cluster:
        big, small = (one, other) if len(one.nodes) >= len(other.nodes) else (other, one)
        for node in small.nodes:
            clusters[node] = big
        big.take(small)
        return big

    for left, right in own:
        if clusters[left] is not clusters[right]:
            join(clusters[left], clusters[right])

    def obstacle(one: _Cluster, other: _Cluster, value: Value) -> str | None:
        if not one.apart.isdisjoint(other.nodes):  # told both ways round
            return "judgement"
        if value.is_merging:
            return None
        if value.is_guarded:
            if is_vetoed and _has_other_ids(one, other):
                return "crm_id"
            # A name that both have says nothing against them.
            guard = contradict(
                frozenset(one.names - other.names), frozenset(other.names - one.names)
            )
            if guard:
                return guard
        if not may_merge and one.people and other.people:
            return "bridge"
        return None

    held: list[Held] = []
    for value in values:
        placed: list[_Cluster] = []
        for node in value.nodes:
            mine = clusters[node]
            if any(mine is cluster for cluster in placed):
                continue
            found = [(cluster, obstacle(cluster, mine, value)) for cluster in placed]
            fitting = [cluster for cluster, guard in found if guard is None]
            chosen = _choose(fitting, mine, value)
            if chosen:
                joined = join(chosen, mine)
                placed = [joined if cluster in (chosen, mine) else cluster for cluster in placed]
                if value.is_merging:
                    continue
            else:
                found += [(cluster, "ambiguous") for cluster in fitting]
                placed.append(mine)
            told = found if len(placed) <= _PAIRED_WITH_ALL else found[:1]
            held += [
                Held(cluster.node, node, value.value_no, guard) for cluster, guard in told if guard
            ]
    apart = [each for each in held if clusters[each.left_no] is not clusters[each.right_no]]
    return {node: cluster.node for node, cluster in clusters.items()}, apart


def _choose(fitting: list[_Cluster], mine: _Cluster, value: Value) -> _Cluster | None:
    """The one to join: the only one, else who holds the value, else who has the same name."""
    if len(fitting) <= 1 or not value.is_guarded:
        return fitting[0] if fitting else None
    holding = [each for each in fitting if not value.holders.isdisjoint(each.nodes)] or fitting
    if len(holding) == 1:
        return holding[0]
    # Of several people of this very name the first: they may well be one.
    same = [
        each
        for each in holding
        if not each.names.isdisjoint(mine.names) or not (each.names or mine.names)
    ]
    return same[0] if same else None


def _has_other_ids(one: _Cluster, other: _Cluster) -> bool:
    """Whether both have ids of one CRM, and none in common."""
    shared = {space for space, _ in one.ids} & {space for space, _ in other.ids}
    return any(
        {i for s, i in one.ids if s == space}.isdisjoint({i for s, i in other.ids if s == space})
        for space in shared
    )
