"""How each lead, claim and field of a persona came to be, as what people and scripts read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.people import GOLDEN
from flows.statements import Lead, Place
from transforms.explain import Claimed, Said
from transforms.passed_over import RULES, text_of, why_passed, why_won

Places = Mapping[tuple[str, int], Place]
"""Where each statement stands, by its lead and ``seq``."""

_KIND_ORDER = {"phone": 1, "email": 2}


@dataclass(frozen=True)
class PassedOver:
    """A value that did not win its field.

    Attributes:
        why: A sentence without its full stop.
        stated_by: Where it stands; None: written by hand.
    """

    value: str
    why: str
    stated_at: datetime | None
    stated_by: Place | None


@dataclass(frozen=True)
class FieldStory:
    """How a field of the golden record came to its value.

    Attributes:
        value: What is stored; None: nothing, although something was said of it.
        rule: The rule of survivorship that decided; or ``edited`` (by hand), ``profile`` (a chat's
            profile name stands in for a name), ``kept`` (no record states it any more),
            ``emptied`` (by hand) and ``outdated`` (the rules give another value by now).
        why: Why it won, in words.
        stated_at: The clock of the statement that won.
        stated_by: Where it stands; None: written by hand, or put together.
        also_stated_by: Where else the same value stands.
    """

    field: str
    value: str | None
    rule: str
    why: str
    stated_at: datetime | None = None
    stated_by: Place | None = None
    also_stated_by: tuple[Place, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()


@dataclass(frozen=True)
class ClaimStory:
    """A value by which a person is found, and how it came.

    Attributes:
        kind: phone, email, the name space of a CRM's ids, or the parts of a composite, with '+'.
        is_held: False: a record states it, but others hold it.
        is_alone: Whether it identifies this person alone.
        others: How many other people hold it.
        is_by_hand: No record states it: somebody wrote it into the persona.
        stated_by: Where it was stated first, by each lead that states it.
    """

    kind: str
    value: str
    is_held: bool
    is_alone: bool
    others: int
    is_by_hand: bool
    stated_by: tuple[Place, ...]


@dataclass(frozen=True)
class LeadStory:
    """A lead: what one source record says about the person.

    Attributes:
        is_ended: The source has deleted the record, or its last snapshot no longer had it.
        conversation_url: Where to read the chat; None: there is none, or no template is set.
        statements: The imports that stated it, in their order.
    """

    lead: Lead
    is_ended: bool
    conversation_url: str | None
    statements: tuple[Place, ...]


@dataclass(frozen=True)
class Holding:
    """Who holds a claim: whether the person does, whether alone, and how many others do."""

    is_held: bool
    is_exclusive: bool
    others: int


def tell_leads(
    leads: Sequence[Lead], places: Places, urls: Mapping[str, str | None]
) -> Iterator[LeadStory]:
    """Each lead, with the imports that stated it.

    Args:
        leads: Of one person.
        places: Where their statements stand.
        urls: Where the chat of a lead is read, by its id.
    """
    for lead in leads:
        stated = sorted(key for key in places if key[0] == lead.lead_id)
        yield LeadStory(
            lead,
            lead.is_deleted or lead.is_missing,
            urls.get(lead.lead_id),
            tuple(places[key] for key in stated),
        )


def tell_claims(
    holders: Mapping[tuple[str, str], Holding], claimed: Sequence[Claimed], places: Places
) -> Iterator[ClaimStory]:
    """Each value by which a person is found, or would be were it not somebody else's.

    Args:
        holders: Who holds each, by kind and value.
        claimed: Who states what, in the order of commits.
        places: Where the statements stand.
    """
    firsts: dict[tuple[str, str], dict[str, Place]] = {}
    for each in claimed:
        place = places.get((each.lead_id, each.seq))
        if place:
            firsts.setdefault((each.kind, each.value), {}).setdefault(each.lead_id, place)
    keys = sorted({*holders, *firsts}, key=lambda key: (_kind_place(key[0]), key))
    for kind, value in keys:
        holding = holders.get((kind, value), Holding(False, False, 0))
        yield ClaimStory(
            kind,
            value,
            holding.is_held,
            holding.is_held and holding.is_exclusive,
            holding.others,
            holding.is_held and (kind, value) not in firsts and "+" not in kind,
            tuple(firsts.get((kind, value), {}).values()),
        )


def tell_fields(
    persona: Mapping[str, object],
    golden: Mapping[str, str | None],
    said: Sequence[Said],
    places: Places,
) -> Iterator[FieldStory]:
    """Each golden field that has a value, or of which something was said.

    Args:
        persona: The stored row.
        golden: What the rules give now.
        said: All that was said, the winner of each field first.
        places: Where the statements stand.
    """
    for field in GOLDEN:
        stored = shown(persona[field])
        group = [each for each in said if each.field == field]
        stand_ins = [each for each in said if each.field == "profile_name"]
        if stored is None and not group:
            continue
        winner = next((each for each in group if each.reason == "ranked"), None)
        if field == "full_name" and winner is None and golden.get(field) and stand_ins:
            yield _stand_in(stored, stand_ins[0], places)
        elif winner is not None and winner.rule == "union":
            yield _united(stored, group, places)
        else:
            is_current = stored == golden.get(field)
            yield _tell_field(field, stored, winner, group, places, is_current=is_current)


def shown(value: object) -> str | None:
    """A stored value as text; a list's items beside each other."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or None
    return None if value is None else str(value)


def _tell_field(
    field: str,
    stored: str | None,
    winner: Said | None,
    group: Sequence[Said],
    places: Places,
    *,
    is_current: bool,
) -> FieldStory:
    """A field, by what the rules give; or, where that is not what is stored, by what is."""
    same = [each for each in group if text_of(each) == (stored if stored else None)]
    own = winner if winner in same else next(iter(same), None)
    others = [each for each in group if each not in same]
    also = [each for each in same if each is not own and each.reason == "ranked"]
    if is_current and winner and own is winner:
        rule = winner.rule
        rivals = sum(each.reason == "ranked" for each in others)
        why = why_won(winner, others=rivals, same=len(also))
    else:
        rule = "kept" if winner is None else "outdated" if stored else "emptied"
        why = RULES[rule]
    return FieldStory(
        field,
        stored,
        rule,
        why,
        _clock(own),
        _place(own, places),
        _places(also, places),
        tuple(
            PassedOver(text_of(each), why_passed(each, winner), _clock(each), _place(each, places))
            for each in others
        ),
    )


def _united(stored: str | None, group: Sequence[Said], places: Places) -> FieldStory:
    ranked = [each for each in group if each.reason == "ranked"]
    passed = tuple(
        PassedOver(text_of(each), why_passed(each, None), _clock(each), _place(each, places))
        for each in group
        if each.reason != "ranked"
    )
    stated = _places(ranked, places)
    return FieldStory("tags", stored, "union", RULES["union"], None, None, stated, passed)


def _stand_in(stored: str | None, profile: Said, places: Places) -> FieldStory:
    place = _place(profile, places)
    return FieldStory("full_name", stored, "profile", RULES["profile"], profile.clock, place)


def _clock(said: Said | None) -> datetime | None:
    if said and said.edited_at:
        return datetime.fromisoformat(said.edited_at)
    return said.clock if said else None


def _place(said: Said | None, places: Places) -> Place | None:
    if said is None or said.lead_id is None or said.seq is None:
        return None
    return places.get((said.lead_id, said.seq))


def _places(said: Sequence[Said], places: Places) -> tuple[Place, ...]:
    found = [_place(each, places) for each in said]
    return tuple(each for each in found if each)


def _kind_place(kind: str) -> int:
    """CRM ids first, then phones, emails, and composites."""
    return 3 if "+" in kind else _KIND_ORDER.get(kind, 0)
