"""The metadata that the installed `phonenumbers` ships, as the phone tables look at it."""

from functools import cache
from typing import NamedTuple

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    SUPPORTED_REGIONS,
    PhoneMetadata,
    PhoneNumberDesc,
    region_code_for_country_code,
)

from transforms.phones.automata import Automaton
from transforms.phones.patterns import Number, UndeterminedError, UnsupportedPatternError


@cache
def metadata_of(region: str, calling_code: int = 0) -> PhoneMetadata:
    """Metadata of a region, or of a calling code that belongs to none (`001`)."""
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(calling_code, region)
    if metadata is None:
        raise UnsupportedPatternError(f"no metadata for {region} {calling_code}")
    return metadata


def general_desc(metadata: PhoneMetadata) -> PhoneNumberDesc:
    """What holds for any number of a region."""
    if metadata.general_desc is None:
        raise UnsupportedPatternError(f"no general description for {metadata.id}")
    return metadata.general_desc


@cache
def main_metadata(calling_code: int) -> PhoneMetadata:
    """Metadata of the main region of a calling code."""
    return metadata_of(region_code_for_country_code(calling_code), calling_code)


def calling_codes() -> list[int]:
    """Calling codes as the library finds them: the shortest that a number starts with."""
    known = {str(code) for code in COUNTRY_CODE_TO_REGION_CODE}
    return [
        int(code)
        for code in sorted(known)
        if not any(code[:digits] in known for digits in range(1, len(code)))
    ]


def is_supported(region: str) -> bool:
    """Whether the library has rules for a region, by its exact code."""
    return region in SUPPORTED_REGIONS


def length_verdict(metadata: PhoneMetadata, length: int) -> str:
    """`_test_number_length` for a number of any type: possible, local, short, long or other."""
    general = general_desc(metadata)
    possible = general.possible_length
    if length in general.possible_length_local_only:
        return "local"
    if length in possible:
        return "possible"
    if length < possible[0]:
        return "short"
    return "long" if length > possible[-1] else "other"


class _General(NamedTuple):
    automaton: Automaton
    outcomes: dict[tuple[int, int], bool | None]


@cache
def _general(pattern: str) -> _General:
    return _General(Automaton([pattern]), {})


def is_general(metadata: PhoneMetadata, number: Number) -> bool:
    """Whether the number matches the pattern of any number of the region, in full."""
    pattern = general_desc(metadata).national_number_pattern
    if not pattern:
        return False
    general = _general(pattern)
    state = general.automaton.start
    for digit in number.known:
        state = general.automaton.step(state, int(digit))
    outcome = _outcome(general, state, number.free_digits)
    if outcome is None:
        raise UndeterminedError
    return outcome


def _outcome(general: _General, state: int, free_digits: int) -> bool | None:
    if free_digits == 0 or state == 0:
        return state != 0 and general.automaton.matched(state)[0]
    key = (state, free_digits)
    if key not in general.outcomes:
        found = {
            _outcome(general, general.automaton.step(state, digit), free_digits - 1)
            for digit in range(10)
        }
        general.outcomes[key] = found.pop() if len(found) == 1 else None
    return general.outcomes[key]
