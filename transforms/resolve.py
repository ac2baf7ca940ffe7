"""Claims -> personas: which person each record is about."""

from collections.abc import Iterator
from itertools import product

import polars as pl

from contracts.policy import Policy
from transforms.components import connected_components
from transforms.likeness import contradict_names, count_people, key_names, load_nicknames
from transforms.relations import (
    Work,
    append,
    ask,
    ask_value,
    execute,
    list_stretches,
    query,
    run,
    statement,
)
from transforms.untangle import Facts, Held, Value, untangle
from transforms.work_tables import empty


def collect_claims(work: Work, policy: Policy) -> None:
    """List what identifies the person of each staged record."""
    run(work, "number_records")
    empty(work, "claims")
    for first, last in list_stretches(ask_value(work, "select count(*) from nodes")):
        run(work, "collect_claims", first=first, last=last)
    for priority, key in enumerate(policy.match, start=1):
        if len(key) > 1:
            kind = "+".join(key)
            run(work, "collect_composites", parts=list(key), kind=kind, priority=priority)
    run(work, "collect_merges")
    run(work, "claim_masters")


def resolve(work: Work, policy: Policy) -> None:
    """Give every record its persona.

    Records and the stored people of their claims form clusters by the values that they share,
    after values that too many people share are left out. A cluster in which a guard, a judgement
    or a second stored person stands against a link is taken apart (``transforms.untangle``). What
    has a stored person is about that one; what has none is a new persona.

    Reads ``claims``, ``folded`` and what Postgres holds. Makes ``assigned``, ``merged``,
    ``shared_values`` and ``held``.
    """
    load_nicknames(work)
    run(work, "number_personas")
    run(work, "join_values")
    _name_nodes(work)
    run(work, "list_crm_ids")
    _leave_out_shared(work, policy)
    run(work, "link_nodes")
    _cluster(work)
    _take_apart(work, policy)
    run(work, "assign_personas")
    _name_new_personas(work)


def _name_nodes(work: Work) -> None:
    """Make ``names`` (name_no and its keys) and ``node_names``, of those who meet."""
    raw = query(work, statement("list_names"))
    keys = key_names(raw)
    named = raw.select("node_no").hstack(keys)
    named = named.filter(~pl.all_horizontal(pl.col(keys.columns).is_null()))
    known = named.select(keys.columns).unique().sort(keys.columns)
    known = known.with_columns(name_no=pl.int_range(len(known), dtype=pl.Int64))
    empty(work, "names")
    append(work, "names", known)
    pairs = named.join(known, on=keys.columns, nulls_equal=True)
    empty(work, "node_names")
    append(work, "node_names", pairs.select("node_no", "name_no").unique())


def _leave_out_shared(work: Work, policy: Policy) -> None:
    """Values that would join more people than the policy allows identify none of them."""
    run(work, "find_crowded")
    count_people(work, likeness=policy.guards.likeness, limit=policy.shared_after)
    run(work, "count_ids")
    for table in ("value_nodes", "joint_values"):
        work.execute(
            f"delete from {table} where value_no in (select value_no from shared_values)"  # noqa: S608
        ).fetchall()


def _cluster(work: Work) -> None:
    """Make ``labels``: the connected components of records and stored people."""
    links = query(work, "select left_no, right_no from links").to_numpy()
    size = ask_value(
        work,
        "select (select count(*) from nodes) + (select count(*) from persona_nodes) as size",
    )
    labels = connected_components(size, links[:, 0], links[:, 1])
    empty(work, "labels")
    append(work, "labels", pl.DataFrame({"node_no": range(size), "cluster_no": labels}))


def _take_apart(work: Work, policy: Policy) -> None:
    """Untangle the clusters in which not all can be one person, and make ``held``."""
    names = _Names(work, policy)
    run(work, "find_apart")
    run(work, "find_tangled")
    own = ask(work, statement("list_tangled_leads"))
    labels, held = untangle(
        own,
        _list_values(work),
        _list_facts(work),
        names.contradict,
        is_vetoed=policy.guards.crm_ids,
        may_merge=policy.merge == "auto" and policy.on_duplicate == "update",
    )
    empty(work, "held")
    append(work, "held", pl.DataFrame(held, Held._fields, orient="row"))
    moved = {"node_no": list(labels), "cluster_no": list(labels.values())}
    work.register("moved", pl.DataFrame(moved))
    work.execute(
        "update labels set cluster_no = moved.cluster_no from moved"
        " where moved.node_no = labels.node_no"
    ).fetchall()
    work.unregister("moved")


def _list_values(work: Work) -> Iterator[Value]:
    for number, is_guarded, is_merging, nodes, holders in ask(
        work, statement("list_tangled_values")
    ):
        yield Value(number, is_guarded, is_merging, tuple(nodes), frozenset(holders))


def _list_facts(work: Work) -> dict[int, Facts]:
    return {
        node: Facts(
            is_person,
            frozenset(names),
            frozenset(zip(spaces, ids, strict=True)),
            frozenset(apart),
        )
        for node, is_person, names, spaces, ids, apart in ask(work, statement("list_tangled_facts"))
    }


class _Names:
    """Which names contradict: of all clusters at once, and of very large ones when asked."""

    def __init__(self, work: Work, policy: Policy) -> None:
        self._work, self._likeness = work, policy.guards.likeness
        self._guards = {"name"} if policy.guards.names else set()
        self._guards |= {"suffix"} if policy.guards.suffixes else set()
        self._known: dict[tuple[int, int], str] = {}
        run(work, "pair_names")
        self._asked = set(ask(work, "from name_pairs"))
        self._compare()
        many = "select name_no from cluster_names semi join many_named using (cluster_no)"
        self._open = set(query(work, many)["name_no"])

    def contradict(self, left: frozenset[int], right: frozenset[int]) -> str | None:
        """The guard that keeps people of these names apart; a suffix is told before a name."""
        pairs = {(min(pair), max(pair)) for pair in product(left, right)}
        unknown = {
            pair
            for pair in pairs
            # Not `pairs - self._known.keys()`, which walks through all that is known each time.
            if pair not in self._asked
            and pair not in self._known
            and not self._open.isdisjoint(pair)
        }
        if unknown:
            self._asked |= unknown
            empty(self._work, "name_pairs")
            append(
                self._work,
                "name_pairs",
                pl.DataFrame(list(unknown), ["left_no", "right_no"], orient="row"),
            )
            self._compare()
        found = {self._known[pair] for pair in pairs if pair in self._known}
        return max(found, default=None)

    def _compare(self) -> None:
        """Add what the guards of the policy say of ``name_pairs``."""
        contradict_names(self._work, self._likeness)
        execute(
            self._work,
            "delete from contradictions where not list_contains($guards, guard)",
            guards=sorted(self._guards),
        )
        for left, right, guard in ask(
            self._work, "select left_no, right_no, guard from contradictions"
        ):
            self._known[left, right] = guard


def _name_new_personas(work: Work) -> None:
    execute(
        work,
        "create or replace table new_personas as select cluster_no,"
        " numbered_id('persona', any_value(id_part), min(record_no)) as persona_id"
        " from assigned cross join facts where persona_id is null group by cluster_no",
    )
    execute(
        work,
        "create or replace table assigned as select assigned.* replace ("
        "coalesce(assigned.persona_id, new_personas.persona_id) as persona_id)"
        " from assigned left join new_personas using (cluster_no)",
    )
