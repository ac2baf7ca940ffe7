"""What people see of why a persona is as it is: on a terminal, and as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from contracts.people import MADE_ID
from flows.explaining import Explanation
from flows.statements import Place
from flows.stories import ClaimStory, FieldStory, LeadStory
from flows.terminal import make_table, text_of
from transforms.passed_over import RULES, day

_SEPARATOR = chr(31)
_BY_HAND = "by hand"
_DATED = [RULES[rule] for rule in ("newest", "oldest", "edited")]
_SHOWN_OF_MADE_ID = 10


def to_json(told: Explanation) -> dict[str, Any]:
    """An explanation as scripts read it. The keys are stable; times are ISO 8601 in UTC.

    - ``team_id``, ``persona_id``, ``asked_id`` (that was merged into it, or null), ``label``,
      ``merged_ids``, ``is_ended``, ``created_at``
    - ``leads``: ``lead_id``, ``source``, ``source_file``, ``source_record_id``,
      ``conversation_id``, ``created_at``, ``clock``, ``is_deleted``, ``is_missing``, ``is_ended``,
      ``conversation_url``, ``statements`` (places)
    - ``claims``: ``kind``, ``value``, ``is_held``, ``is_alone``, ``others``, ``is_by_hand``,
      ``stated_by`` (places)
    - ``score``: ``total`` and ``parts`` (``part``, ``points``), as the policy makes it now; null
      where it declares none
    - ``fields``: ``field``, ``value``, ``rule``, ``why``, ``stated_at``, ``stated_by`` (a place or
      null), ``also_stated_by`` (places), ``passed_over`` (``value``, ``why``, ``stated_at``,
      ``stated_by``)

    A place is ``lead_id``, ``source``, ``source_file``, ``source_record_id``, ``import_id``,
    ``file_name``, ``line_no``, ``landed_at``.
    """
    leads = [
        {**asdict(each.lead), **{k: v for k, v in asdict(each).items() if k != "lead"}}
        for each in told.leads
    ]
    said = {
        "team_id": told.found.team.team_id,
        "persona_id": told.found.persona_id,
        "asked_id": told.found.asked_id,
        "label": told.found.label,
        "merged_ids": told.merged_ids,
        "is_ended": told.is_ended,
        "created_at": told.created_at,
        "leads": leads,
        "claims": [asdict(each) for each in told.claims],
        "score": _score_json(told.score),
        "fields": [asdict(each) for each in told.fields],
    }
    return {name: plain_json(value) for name, value in said.items()}


def _score_json(parts: Sequence[tuple[str, float]] | None) -> dict[str, Any] | None:
    if parts is None:
        return None
    told = [{"part": part, "points": points} for part, points in parts]
    return {"total": round(sum(points for _, points in parts), 4), "parts": told}


def plain_json(value: Any) -> Any:
    """Times as ISO 8601, tuples as lists; all else as it is."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: plain_json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(each) for each in value]
    return value


def explanation_lines(told: Explanation) -> Iterator[RenderableType]:
    """A persona, whole: who, its records, what it is found by, and each field with its reasons.

    Statements have numbers, by which the other tables tell where a value stands.
    """
    numbers = _Numbers(told.leads)
    yield text_of(told.found.label, style="bold")
    yield from person_lines(told)
    yield Text()
    yield _leads_table(told.leads, numbers)
    for each in told.leads:
        if each.lead.conversation_id:
            where = each.conversation_url or each.lead.conversation_id
            yield text_of(f"chat of {each.lead.source} {each.lead.source_record_id}: {where}")
    yield Text()
    yield _claims_table(told.claims, numbers)
    yield Text()
    yield _fields_table(told.fields, numbers)


def person_lines(told: Explanation) -> Iterator[RenderableType]:
    """Ids, and what became of the person as a whole."""
    found = told.found
    yield text_of(f"{found.persona_id}, of team {found.team.name} since {moment(told.created_at)}")
    if found.asked_id:
        yield text_of(f"{found.asked_id} was merged into it.")
    others = [each for each in told.merged_ids if each != found.asked_id]
    if others:
        yield text_of(f"Merged into it: {', '.join(others)}")
    if told.score is not None:
        parts = ", ".join(f"{part} {points:g}" for part, points in told.score)
        total = sum(points for _, points in told.score)
        yield text_of(f"Score {total:g}: {parts or 'nothing makes points'}.")
    if told.is_ended:
        yield Text("No source has the person any more; what is known is kept.")


def moment(time: datetime | None) -> str:
    """When something was done, to the minute."""
    return f"{time:%Y-%m-%d %H:%M} UTC" if time else "unknown"


class _Numbers:
    """The number of each statement of a person, in the order of the table of records."""

    def __init__(self, leads: Sequence[LeadStory]) -> None:
        keys = [_key(place) for each in leads for place in each.statements]
        self._numbers = {key: number for number, key in enumerate(keys, start=1)}

    def of(self, *places: Place | None) -> str:
        """Those of some places; of what was written by hand, that it was."""
        named = [str(self._numbers[_key(place)]) if place else _BY_HAND for place in places]
        return ", ".join(named)


def _key(place: Place) -> tuple[str, str]:
    return place.lead_id, place.import_id


def _leads_table(leads: Sequence[LeadStory], numbers: _Numbers) -> RenderableType:
    if not leads:
        return Text(
            "No record of a source is about this person: it was put in by hand, or its imports were"
            " undone and only what was edited by hand stays."
        )
    table = make_table()
    table.add_column("no.", justify="right", no_wrap=True)
    table.add_column("record of", no_wrap=True)
    table.add_column("its id there", overflow="fold")
    table.add_column("file", overflow="fold")
    table.add_column("line", justify="right", no_wrap=True, min_width=4)
    table.add_column("landed", no_wrap=True, min_width=20)
    for each in leads:
        lead, ended = each.lead, " (ended)" if each.is_ended else ""
        for place in each.statements:
            table.add_row(
                numbers.of(place),
                text_of(lead.source),
                text_of(_record_id(lead.source_record_id) + ended),
                text_of(place.file_name or place.source_file),
                f"{place.line_no or ''}",
                moment(place.landed_at),
            )
    return table


def _record_id(record_id: str) -> str:
    """A record's id; of one that was made from the row, for want of any, the beginning."""
    return f"{record_id[:_SHOWN_OF_MADE_ID]}.." if record_id.startswith(MADE_ID) else record_id


def _claims_table(claims: Sequence[ClaimStory], numbers: _Numbers) -> RenderableType:
    if not claims:
        return Text("Nothing identifies this person.")
    table = make_table()
    table.add_column("found by", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("whose", overflow="fold")
    table.add_column("first stated in", overflow="fold")
    for each in claims:
        value = each.value.replace(_SEPARATOR, " / ")
        stated = _BY_HAND if each.is_by_hand else numbers.of(*each.stated_by)
        table.add_row(text_of(each.kind), text_of(value), _whose(each), stated)
    return table


def _whose(claim: ClaimStory) -> str:
    if not claim.is_held:
        return "another person's"
    if claim.is_alone:
        return "this person's alone"
    if not claim.others:
        return "this person's, and open to others"
    return f"shared with {claim.others:,} other{'' if claim.others == 1 else 's'}"


def _fields_table(stories: Sequence[FieldStory], numbers: _Numbers) -> RenderableType:
    table = make_table()
    table.add_column("field", no_wrap=True)
    table.add_column("value", overflow="fold", min_width=20)
    table.add_column("no.", overflow="fold", min_width=3)
    table.add_column("why", overflow="fold")
    for story in stories:
        where = [story.stated_by] if story.stated_by or story.rule == "edited" else []
        table.add_row(
            story.field,
            text_of(_flat(story.value or "empty"), style="bold"),
            numbers.of(*where, *story.also_stated_by),
            text_of(_reason(story)),
        )
        for each in story.passed_over:
            value = text_of(f"not {_flat(each.value)}", style="dim")
            table.add_row("", value, numbers.of(each.stated_by), text_of(each.why))
    return table


def _reason(story: FieldStory) -> str:
    is_dated = story.stated_at and story.why in _DATED
    return story.why + (f" ({day(story.stated_at)})" if is_dated else "")


def _flat(text: str) -> str:
    return " ".join(text.split())
