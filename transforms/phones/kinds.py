"""Region, kind and validity of every national number of a calling code, as ranges.

Mirrors `region_code_for_number` and `number_type` of `phonenumbers.phonenumberutil` over the
installed metadata.
"""

from collections.abc import Iterator
from typing import NamedTuple

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    PhoneMetadata,
    PhoneNumberDesc,
    PhoneNumberType,
)

from transforms.phones.automata import Automaton
from transforms.phones.metadata import metadata_of


class Answer(NamedTuple):
    """What the library says of a number: `region_code_for_number` and `number_type`."""

    region: str | None
    kind: int


NO_REGION = Answer(None, PhoneNumberType.UNKNOWN)

AnswerRun = tuple[int, Answer]
"""The first national number of a range, and the answer for all of it."""

# The order in which the library asks: the first that matches is the kind.
_KINDS = {
    "premium_rate": PhoneNumberType.PREMIUM_RATE,
    "toll_free": PhoneNumberType.TOLL_FREE,
    "shared_cost": PhoneNumberType.SHARED_COST,
    "voip": PhoneNumberType.VOIP,
    "personal_number": PhoneNumberType.PERSONAL_NUMBER,
    "pager": PhoneNumberType.PAGER,
    "uan": PhoneNumberType.UAN,
    "voicemail": PhoneNumberType.VOICEMAIL,
}


def answer_runs(calling_code: int, length: int) -> list[AnswerRun]:
    """Answers for the national numbers of `length` digits, as ranges that start at 0."""
    regions = COUNTRY_CODE_TO_REGION_CODE[calling_code]
    if len(regions) == 1:
        only = regions[0]
        kinds = _RegionRuns(metadata_of(only, calling_code), length).runs()
        return _merged((start, _answer(only, kind)) for start, kind in kinds)
    found: list[AnswerRun] = [(0, NO_REGION)]
    # The first region of the list that claims a number has it, so lay them from the last.
    for region in reversed(regions):
        claims = _RegionRuns(metadata_of(region), length, is_shared=True).runs()
        found = _overlay(found, region, claims)
    return found


def _answer(region: str, kind: int | None) -> Answer:
    return NO_REGION if kind is None else Answer(region, kind)


class _RegionRuns:
    """The kinds of one region's numbers of one length; None where the region does not claim."""

    def __init__(self, metadata: PhoneMetadata, length: int, *, is_shared: bool = False) -> None:
        leads = [metadata.leading_digits] if is_shared and metadata.leading_digits else []
        self.is_led = bool(leads)
        self.is_shared = is_shared
        self.length = length
        self.is_same = metadata.same_mobile_and_fixed_line_pattern
        self.names: list[str] = []
        patterns: list[str] = []
        for name in ("general_desc", *_KINDS, "fixed_line", "mobile"):
            pattern = _pattern(getattr(metadata, name), length)
            if pattern is None and name == "general_desc":
                break
            if pattern is not None:
                self.names.append(name)
                patterns.append(pattern)
        self.kinds = Automaton(patterns)
        self.leads = Automaton(leads, is_prefix=True)
        self.memo: dict[tuple[int, int, int], list[tuple[int, int | None]]] = {}

    def runs(self) -> list[tuple[int, int | None]]:
        return self._from(self.kinds.start, self.leads.start, self.length)

    def _from(self, kinds: int, leads: int, free: int) -> list[tuple[int, int | None]]:
        # A number that is not general has no kind, and without its lead no region.
        if not self.names or not kinds & self.kinds.positions[0]:
            kinds = 0
        if (self.is_led and not leads) or (not self.is_led and not kinds):
            return [(0, None if self.is_shared else PhoneNumberType.UNKNOWN)]
        if free == 0:
            return [(0, self._kind(kinds, leads))]
        key = (kinds, leads, free)
        if key not in self.memo:
            found: list[tuple[int, int | None]] = []
            for digit in range(10):
                offset = digit * 10 ** (free - 1)
                next_kinds = self.kinds.step(kinds, digit)
                next_leads = self.leads.step(leads, digit)
                for start, kind in self._from(next_kinds, next_leads, free - 1):
                    if not found or found[-1][1] != kind:
                        found.append((offset + start, kind))
            self.memo[key] = found
        return self.memo[key]

    def _kind(self, kinds: int, leads: int) -> int | None:
        """`_number_type_helper`, and whether the region claims the number at all."""
        matched = {
            name
            for name, is_matched in zip(self.names, self.kinds.matched(kinds), strict=True)
            if is_matched
        }
        kind = self._kind_of(matched)
        if self.is_led:
            return kind if self.leads.matched(leads)[0] else None
        return None if self.is_shared and kind == PhoneNumberType.UNKNOWN else kind

    def _kind_of(self, matched: set[str]) -> int:
        if "general_desc" not in matched:
            return PhoneNumberType.UNKNOWN
        for name, kind in _KINDS.items():
            if name in matched:
                return kind
        if "fixed_line" in matched:
            is_both = self.is_same or "mobile" in matched
            return PhoneNumberType.FIXED_LINE_OR_MOBILE if is_both else PhoneNumberType.FIXED_LINE
        if "mobile" in matched and not self.is_same:
            return PhoneNumberType.MOBILE
        return PhoneNumberType.UNKNOWN


def _pattern(desc: PhoneNumberDesc | None, length: int) -> str | None:
    """The pattern that numbers of this length must match, if there can be any."""
    if desc is None or (desc.possible_length and length not in desc.possible_length):
        return None
    return desc.national_number_pattern or None


def _overlay(
    below: list[AnswerRun], region: str, claims: list[tuple[int, int | None]]
) -> list[AnswerRun]:
    """Lay a region's claims over the answers of the regions after it."""

    def both() -> Iterator[AnswerRun]:
        at = 0
        for place, (start, kind) in enumerate(claims):
            end = claims[place + 1][0] if place + 1 < len(claims) else None
            while at + 1 < len(below) and below[at + 1][0] <= start:
                at += 1
            if kind is not None:
                yield start, Answer(region, kind)
                continue
            yield start, below[at][1]
            while at + 1 < len(below) and (end is None or below[at + 1][0] < end):
                at += 1
                yield below[at]

    return _merged(both())


def _merged(runs: Iterator[AnswerRun]) -> list[AnswerRun]:
    found: list[AnswerRun] = []
    for start, answer in runs:
        if not found or found[-1][1] != answer:
            found.append((start, answer))
    return found
