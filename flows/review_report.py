"""What people see of candidates: two people side by side, the evidence, and values of many."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from contracts.guards import GUARDS, SHARED_VALUE
from flows.candidates import Crowd, Pair, Review, Shared, Side
from flows.terminal import make_table, text_of
from transforms.certainty import NAME_POINTS

JUDGEMENTS = {"same": "the same", "not_same": "not the same"}
NAMES = {
    "same": "the same name",
    "agree": "names that agree",
    "unknown": "names that say nothing",
    "contradict": "names that contradict",
}
FIELDS = ("name", "ids", "phones", "emails", "company", "city", "records", "last_seen")
"""What is shown of either side, in order; names of ``flows.candidates.Side``."""

_LISTED = 5


def review_lines(review: Review) -> Iterator[RenderableType]:
    """What there is to look at in one team."""
    for pair in review.pairs:
        yield from pair_lines(pair)
        yield Text()
    if review.crowds:
        yield _crowds_table(review.crowds)
        yield Text("Nothing is judged about these: no pair of people hangs on them.")
        yield Text()
    yield text_of(_summary(review))


def pair_lines(pair: Pair) -> Iterator[RenderableType]:
    """One pair: how certain it is and why it was held, and both people beside each other."""
    yield Text(f"{pair.pair_id}  {_certainty(pair)}", style="bold")
    if pair.told.judgement:
        yield text_of(judgement_sentence(pair))
    if not pair.told.is_two:
        return
    yield text_of(why(pair))
    table = make_table("", "", "left", "right")
    for column in table.columns[2:]:
        column.no_wrap, column.overflow = False, "fold"
    for name in FIELDS:
        sides = [_shown(side, other, name) for side, other in _both(pair)]
        if any(sides):
            mark = "=" if _is_equal(pair, name) else ""
            table.add_row(name.replace("_", " "), mark, *map(text_of, sides))
    yield table
    for each in pair.shared:
        yield text_of(_evidence(each))


def why(pair: Pair) -> str:
    """Why the two were not made one, in a sentence."""
    told = pair.told
    values = [(each.kind, each.value) for each in pair.shared] or [(told.kind, told.value)]
    shared = " and ".join(f"the {kind_words(kind)} {_value(value)}" for kind, value in values)
    who = f"{pair.left.called} and {pair.right.called}"
    return f"{who} share {shared}: {GUARDS.get(told.guard, told.guard)}"


def judgement_sentence(pair: Pair) -> str:
    """What was judged, by whom and when."""
    told = pair.told
    when = f" on {told.judged_at:%Y-%m-%d}" if told.judged_at else ""
    who = pair.left.called if not told.is_two else f"{pair.left.called} and {pair.right.called}"
    return f"{who}: judged {JUDGEMENTS[told.judgement or 'same']} by {told.judged_by}{when}."


def kind_words(kind: str) -> str:
    """What a kind of claim is called."""
    if kind in ("phone", "email"):
        return kind
    return kind.replace("_", " ").replace("+", " and ") if "+" in kind else f"{kind} id"


def cells(side: Side, name: str) -> tuple[str, ...]:
    """What a side says of one of ``FIELDS``."""
    if name == "last_seen":
        return (f"{side.last_seen:%Y-%m-%d}",) if side.last_seen else ()
    value = getattr(side, name)
    return value if isinstance(value, tuple) else (value,) if value else ()


def to_json(review: Review) -> Iterator[dict[str, Any]]:
    """A review as scripts read it: an object per pair, then one per value of many."""
    team = {"team_id": review.team.team_id}
    for pair in review.pairs:
        told = pair.told
        yield {
            "what": "pair",
            **team,
            "id": pair.pair_id,
            "points": pair.points,
            "names": pair.names,
            "guard": told.guard,
            "why": why(pair),
            "judgement": told.judgement,
            "judged_by": told.judged_by,
            "judged_at": told.judged_at.isoformat() if told.judged_at else None,
            "shared": [
                {name: getattr(each, name) for name in ("kind", "value", "points", "left", "right")}
                for each in pair.shared
            ],
            **{name: _side_json(getattr(pair, name)) for name in ("left", "right")},
        }
    for crowd in review.crowds:
        yield {
            "what": SHARED_VALUE,
            **team,
            "kind": crowd.kind,
            "value": crowd.value,
            "people": crowd.people,
            "examples": crowd.examples,
        }


def _side_json(side: Side) -> dict[str, Any]:
    said = {name: getattr(side, name) for name in ("persona_id", *FIELDS)}
    return {**said, "last_seen": side.last_seen.isoformat() if side.last_seen else None}


def _certainty(pair: Pair) -> str:
    if not pair.told.is_two:
        return "one person by now"
    parts = [f"{NAMES[pair.names]} ({NAME_POINTS[pair.names]:+})"]
    parts += [f"the same {kind_words(each.kind)} ({each.points:+})" for each in pair.shared]
    return f"{pair.points} points: {', '.join(parts)}"


def _both(pair: Pair) -> tuple[tuple[Side, Side], tuple[Side, Side]]:
    return (pair.left, pair.right), (pair.right, pair.left)


def _is_equal(pair: Pair, name: str) -> bool:
    if name == "name":
        return pair.names == "same"
    one, other = (
        {value.casefold() for value in cells(side, name)} for side in (pair.left, pair.right)
    )
    return name != "last_seen" and not one.isdisjoint(other)


def _shown(side: Side, other: Side, name: str) -> str:
    """The values of one cell, a line each; what the other side has, too, stands first."""
    common = {value.casefold() for value in cells(other, name)}
    values = sorted(cells(side, name), key=lambda value: value.casefold() not in common)
    more = [f"and {len(values) - _LISTED:,} more"] if len(values) > _LISTED else []
    return "\n".join([*values[:_LISTED], *more])


def _evidence(shared: Shared) -> str:
    left, right = _places(shared.left), _places(shared.right)
    what = f"{kind_words(shared.kind)} {_value(shared.value)}"
    return f"The {what}: left in {left}; right in {right}."


def _places(records: Sequence[str]) -> str:
    more = f" and {len(records) - _LISTED:,} more" if len(records) > _LISTED else ""
    return ", ".join(records[:_LISTED]) + more if records else "no record, but put in by hand"


def _value(value: str) -> str:
    return value.replace("\x1f", " / ")


def _crowds_table(crowds: Sequence[Crowd]) -> RenderableType:
    table = make_table("values that identify nobody")
    table.add_column("people", justify="right", no_wrap=True)
    table.add_column("for example", overflow="fold")
    for crowd in crowds:
        told = f"{kind_words(crowd.kind)} {_value(crowd.value)}"
        table.add_row(text_of(told), f"{crowd.people:,}", text_of(", ".join(crowd.examples)))
    return table


def _summary(review: Review) -> str:
    name, shown, count = review.team.name, len(review.pairs), review.pair_count
    if not count:
        return f"{name}: no pair of people waits for a judgement."
    pairs = f"{count:,} pair{'' if count == 1 else 's'} of people"
    if shown < count:
        return f"{name}: {shown:,} of {pairs}, the most certain first. More: --limit {count}"
    return f"{name}: {pairs}, the most certain first."
