"""Why a value won, and why another was passed over: sentences for people who know spreadsheets.

The order in which two values are told apart is that of ``sql/rank_fields.sql``.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import TypeVar

from contracts.policy import LIST_FIELDS
from transforms.explain import Said

_T = TypeVar("_T", str, float, bool)

RULES: dict[str, str] = {
    "newest": "the newest",
    "oldest": "the oldest",
    "fill": "who came first keeps it",
    "trusted": "from the most trusted source",
    "longest": "the longest",
    "max": "the greatest",
    "union": "the tags of all records together",
    "edited": "an edit by hand, which no import overwrites",
    "profile": "nobody states a name; it is what the person is called in a chat",
    "kept": "no record states it by now; what was known is kept",
    "emptied": "emptied by hand; the next import about this person fills it again",
    "outdated": "a record or the policy changed since; the next import about them sees to it",
}
"""By rule, why a value won."""

_NO_DATE = "without a date"


def why_won(said: Said, *, others: int, same: int) -> str:
    """Why a value won, without a full stop.

    Args:
        said: The winner.
        others: How many other values were ranked against it.
        same: How many other leads state the same.
    """
    if said.rule == "edited" or others:
        return RULES[said.rule]
    return "all who state it agree" if same else "nobody else states it"


def why_passed(loser: Said, winner: Said | None) -> str:
    """Why a value was passed over, as a sentence without its full stop.

    Args:
        loser: What was passed over.
        winner: What won by the rules; the loser itself, where that is not stored yet; None:
            nothing did.
    """
    if loser.reason == "ended":
        return "its source has deleted the record, so it counts no more"
    if loser.reason == "not_held":
        return "not held by this person: another one has it"
    if loser.reason == "superseded":
        return _superseded(loser)
    if winner is None:
        return "it does not count for this person"
    if text_of(winner) == text_of(loser):
        return "by the rules it is this, from the next import about this person on"
    decided = decide(winner, loser)
    return decided[1] if decided else "both say the same"


def text_of(said: Said) -> str:
    """A value as people read it; a list's items beside each other."""
    return _shown(said.field, said.value)


def decide(winner: Said, loser: Said) -> tuple[bool, str] | None:
    """What tells two ranked values of one field apart.

    Returns:
        Whether it speaks for the winner, as it always must, and the sentence; None: nothing does.
    """
    for found in _differences(winner, loser):
        if found is not None:
            return found
    return None


def day(clock: datetime | None, other: datetime | None = None) -> str:
    """A clock in UTC; with the time where the day alone does not tell it from another one."""
    if clock is None:
        return _NO_DATE
    is_fine = other is not None and other != clock and other.date() == clock.date()
    return f"{clock:%Y-%m-%d %H:%M:%S}" if is_fine else f"{clock:%Y-%m-%d}"


def _differences(won: Said, lost: Said) -> Iterator[tuple[bool, str] | None]:
    """What the ranking compares, in its order; None where two do not differ in it."""
    yield _more(won.edited_at or "", lost.edited_at or "", _edit_sentence(won, lost))
    yield _more(
        won.position is not None,
        lost.position is not None,
        "only an earlier or duplicate row of its record states it; what is stated now comes first",
    )
    yield from _by_rule(won, lost)
    yield _more(_time(won), _time(lost), _age_sentence(won, lost))
    yield _more(
        won.trust or 0,
        lost.trust or 0,
        f"{_dated(lost)}, and {lost.source} is less trusted than {won.source}",
    )
    yield _more(
        won.landing or "", lost.landing or "", f"{_dated(lost)}, and its file came in earlier"
    )
    if won.lead_id != lost.lead_id:
        yield True, "nothing sets the two apart, so the names of their files and records decide"
    yield _more(
        -(won.position or 0), -(lost.position or 0), "it stands further back in the same record"
    )


def _by_rule(won: Said, lost: Said) -> Iterator[tuple[bool, str] | None]:
    if won.rule == "trusted":
        told = f"less trusted: {lost.source} has trust {lost.trust or 0}, {won.source} {won.trust}"
        yield _more(won.trust or 0, lost.trust or 0, told)
    elif won.rule == "longest":
        ours, theirs = len(won.value), len(lost.value)
        yield _more(ours, theirs, f"shorter: {theirs} characters, this one {ours}")
    elif won.rule == "max":
        yield _more(_number(won), _number(lost), "smaller; the greatest counts")
        yield _more(won.value, lost.value, "smaller; the greatest counts")
    elif won.rule == "oldest":
        yield _more(-_time(won), -_time(lost), _youth_sentence(won, lost))
    if won.rule in ("oldest", "fill"):
        yield _more(lost.landing or "", won.landing or "", "it came in later; who was first counts")


def _more(ours: _T, theirs: _T, sentence: str) -> tuple[bool, str] | None:
    return None if ours == theirs else (ours > theirs, sentence)


def _edit_sentence(won: Said, lost: Said) -> str:
    if lost.edited_at:
        return f"edited by hand, too, but earlier: {lost.edited_at[:10]}"
    return f"an edit by hand of {(won.edited_at or '')[:10]} keeps the field"


def _age_sentence(won: Said, lost: Said) -> str:
    if lost.clock is None:
        return f"without a date, so it is older than what has one ({day(won.clock)})"
    return f"older: stated {day(lost.clock, won.clock)}, this one {day(won.clock, lost.clock)}"


def _youth_sentence(won: Said, lost: Said) -> str:
    if won.clock is None:
        return f"newer: stated {day(lost.clock)}, and what has no date is older than any"
    return f"newer: stated {day(lost.clock, won.clock)}, this one {day(won.clock, lost.clock)}"


def _dated(said: Said) -> str:
    return "of the same date" if said.clock else "both are without a date"


def _time(said: Said) -> float:
    return said.clock.timestamp() if said.clock and said.position is not None else float("-inf")


def _number(said: Said) -> float:
    try:
        return float(said.value)
    except ValueError:
        return float("-inf")


def _superseded(said: Said) -> str:
    if said.newer_value is None:
        return "the same record was emptied of it later"
    newer = _shown(said.field, said.newer_value)
    if said.newer_clock == said.clock:
        last = "later file" if said.clock is None else "greater text"
        return f"the same record says '{newer}' by now; of two equal dates the {last} counts"
    return (
        f"older: the same record stated it {day(said.clock, said.newer_clock)},"
        f" and '{newer}' {day(said.newer_clock, said.clock)}"
    )


def _shown(field: str, value: str) -> str:
    return ", ".join(json.loads(value)) if field in LIST_FIELDS else value
