"""What people decide about candidates: who is one person, and who is not."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal, NamedTuple

import polars as pl

from transforms.components import connected_components
from transforms.relations import Work, append, query, run, statement
from transforms.work_tables import empty

Judgement = Literal["same", "not_same"]


class Decision(NamedTuple):
    """What somebody decides about one candidate; the columns of the work table ``decisions``.

    Attributes:
        left_id: With ``right_id`` the key of the candidate.
        right_id: See there.
        one_id: Who the left person is by now.
        other_id: Who the right person is by now.
        judgement: Whether they are the same.
        judged_by: Who says so.
        judged_at: When.
    """

    left_id: str
    right_id: str
    one_id: str
    other_id: str
    judgement: Judgement
    judged_by: str
    judged_at: datetime


class Contradiction(NamedTuple):
    """Two people whom decisions make one, although a judgement says that they are two.

    Attributes:
        left_id: With ``right_id`` the key of the candidate that is, or was, judged not the same.
        right_id: See there.
        is_earlier: Whether that was judged before.
    """

    left_id: str
    right_id: str
    is_earlier: bool


def decide(work: Work, decisions: Iterable[Decision]) -> None:
    """Make one of the people who are the same, after ``transforms.resolve.resolve``.

    Reads what that made, and the stored candidates. Makes ``decisions``, and ``labels``,
    ``assigned`` and ``merged`` anew: of several people the oldest stays.
    """
    empty(work, "decisions")
    append(work, "decisions", pl.DataFrame(list(decisions), Decision._fields, orient="row"))
    nodes = query(work, "select node_no, cluster_no from labels order by node_no")
    same = query(work, statement("list_same")).to_numpy()
    labels = connected_components(len(nodes), same[:, 0], same[:, 1])
    empty(work, "labels")
    append(work, "labels", nodes.with_columns(cluster_no=pl.Series(labels)))
    run(work, "assign_personas")
    run(work, "note_decisions")


def plan_decisions(work: Work) -> None:
    """Add the judged candidates to what is planned for them, after ``pair_candidates``."""
    run(work, "plan_decisions")


def find_contradictions(
    decisions: Iterable[Decision], apart: Mapping[tuple[str, str], Iterable[tuple[str, str]]]
) -> list[Contradiction]:
    """Where decisions say both of two people: that they are one, and that they are not.

    Args:
        decisions: What is decided in one call.
        apart: Key of a candidate judged not the same -> pairs of people whom that keeps apart.

    Returns:
        The judgements that stand against it, those of this call first. One that this call itself
        replaces does not.
    """
    decided = {(each.left_id, each.right_id): each for each in decisions}
    ids = sorted({i for each in decided.values() for i in (each.one_id, each.other_id)})
    number = {persona_id: at for at, persona_id in enumerate(ids)}
    same = [each for each in decided.values() if each.judgement == "same"]
    frame = pl.DataFrame(
        {
            "left": [number[each.one_id] for each in same],
            "right": [number[each.other_id] for each in same],
        },
        schema={"left": pl.Int64, "right": pl.Int64},
    )
    labels = connected_components(len(ids), frame["left"].to_numpy(), frame["right"].to_numpy())

    def are_one(one: str, other: str) -> bool:
        known = one in number and other in number
        return known and bool(labels[number[one]] == labels[number[other]])

    found = [
        Contradiction(*key, is_earlier=False)
        for key, each in decided.items()
        if each.judgement == "not_same" and are_one(each.one_id, each.other_id)
    ]
    return found + [
        Contradiction(*key, is_earlier=True)
        for key, pairs in apart.items()
        if key not in decided and any(are_one(*pair) for pair in pairs)
    ]
