"""libphonenumber's parsing of a number of digits, decided for whole ranges of numbers at once.

Everything here mirrors `phonenumbers.phonenumberutil` over the metadata that the installed
package ships, step by step; no rule of a country is written down. A function gets the first
digits of a number and says what the library does with every number that starts so, or raises
`UndeterminedError` until it gets one more digit. The tables hold integers: the E.164 digits are
the last so many written digits plus a constant, both the same for a whole range of numbers.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from phonenumbers import PhoneMetadata

from transforms.phones.metadata import is_general, length_verdict, main_metadata, metadata_of
from transforms.phones.patterns import (
    Number,
    UndeterminedError,
    UnsupportedPatternError,
    match_start,
    parse_pattern,
)

# What a range of written digits comes to. Numbers, not an enum: they live in a Polars column.
UNCOMPILED, SLOW, NUMBER, INTERNATIONAL = -1, -2, 1, 2

SHORTEST_DIGITS, LONGEST_DIGITS = 3, 18
"""Digits of a written number that the tables hold: 18 is what fits an Int64 with a leading 1.
Of two digits the library takes only the bare pair, so those are left to it."""

_SHORTEST_NATIONAL, _LONGEST_NATIONAL = 2, 17


class Run(NamedTuple):
    """From `start` up to the next run, a number is its remainder by `modulus`, plus `base`.

    `start` is the written digits as an integer behind a 1, which keeps their leading zeros.
    """

    start: int
    code: int
    modulus: int = 1
    base: int = 0
    prefix: str = ""


class _SlowError(Exception):
    """The library reports an error, or a number that does not fit: it is asked itself."""


def national_runs(region: str, length: int, prefix: str = "") -> list[Run]:
    """What numbers of `length` digits, written without a plus, come to in a region.

    Args:
        region: A supported region.
        length: How many digits.
        prefix: Only the numbers that start so.

    Returns:
        Runs in order. Where more digits than a few have to be told apart, a run says
        `UNCOMPILED` and can be asked for with its own, longer prefix.
    """
    return _explore(length, prefix, lambda number: _from_region(metadata_of(region), number))


def international_runs(calling_code: int, length: int, prefix: str = "") -> list[Run]:
    """What numbers of `length` digits come to that were written with a plus and a calling code.

    The prefix, which begins with the calling code, and the result are as for `national_runs`.
    """
    code = str(calling_code)
    return _explore(
        length, prefix or code, lambda number: _from_code(calling_code, number, len(code))
    )


Decide = Callable[[Number], tuple[int, Number]]

_DIGITS_AT_A_TIME = 2
"""Bounds one compilation to about a hundred decisions. Some rules (Argentina's area codes before
15, China's carrier codes) would need tens of thousands, most of which no file ever asks for."""


def _explore(length: int, prefix: str, decide: Decide) -> list[Run]:
    runs: list[Run] = []
    for run in _branch(length, prefix, len(prefix) + _DIGITS_AT_A_TIME, decide):
        # Uncompiled runs stay apart: each is one prefix.
        if not runs or run.code == UNCOMPILED or run[1:4] != runs[-1][1:4]:
            runs.append(run)
    return runs


def _branch(length: int, known: str, most_known: int, decide: Decide) -> Iterator[Run]:
    free_digits = length - len(known)
    start = int(f"1{known}") * 10**free_digits
    try:
        code, result = decide(Number(known, free_digits))
    except _SlowError:
        yield Run(start, SLOW)
    except UndeterminedError:
        if len(known) >= most_known:
            yield Run(start, UNCOMPILED, prefix=known)
            return
        for digit in "0123456789":
            yield from _branch(length, known + digit, most_known, decide)
    else:
        kept, front = result.free_digits, result.known
        if kept == free_digits:
            # Known digits that stay as they are need not be told apart: fewer, longer runs.
            while front and known and front[-1] == known[-1]:
                front, known, kept = front[:-1], known[:-1], kept + 1
        yield Run(start, code, 10**kept, int(front or "0") * 10**kept)


def _from_region(metadata: PhoneMetadata, number: Number) -> tuple[int, Number]:
    """`_maybe_extract_country_code` and what `parse` does after it, without a plus."""
    abroad = _without_international_prefix(metadata, number)
    if abroad is not None:
        if len(abroad) < SHORTEST_DIGITS:
            raise _SlowError
        return INTERNATIONAL, Number("1" + abroad.known, abroad.free_digits)
    calling_code = metadata.country_code or 0
    code_digits = str(calling_code)
    if _starts_with(number, code_digits):
        rest = _without_national_prefix(metadata, number.without(len(code_digits)))
        if length_verdict(metadata, len(number)) == "long" or (
            not is_general(metadata, number) and is_general(metadata, rest)
        ):
            return NUMBER, _national(calling_code, main_metadata(calling_code), rest)
    return NUMBER, _national(calling_code, metadata, number)


def _from_code(calling_code: int, number: Number, code_digits: int) -> tuple[int, Number]:
    rest = number.without(code_digits)
    return NUMBER, _national(calling_code, main_metadata(calling_code), rest)


def _without_international_prefix(metadata: PhoneMetadata, number: Number) -> Number | None:
    if metadata.international_prefix is None:
        return None
    found = match_start(parse_pattern(metadata.international_prefix), number)
    if found is None:
        return None
    rest = number.without(found[0])
    # Calling codes do not begin with a zero.
    return None if len(rest) and _starts_with(rest, "0") else rest


def _starts_with(number: Number, digits: str) -> bool:
    if len(number.known) < min(len(digits), len(number)):
        if digits.startswith(number.known):
            raise UndeterminedError
        return False
    return number.known.startswith(digits)


def _national(calling_code: int, metadata: PhoneMetadata, number: Number) -> Number:
    if len(number) < _SHORTEST_NATIONAL:
        raise _SlowError
    stripped = _without_national_prefix(metadata, number)
    if length_verdict(metadata, len(stripped)) in ("possible", "long"):
        number = stripped
    digits = f"{calling_code}{number.known}"
    is_storable = len(digits) + number.free_digits <= LONGEST_DIGITS
    if not (_SHORTEST_NATIONAL <= len(number) <= _LONGEST_NATIONAL and is_storable):
        raise _SlowError
    return Number(digits, number.free_digits)


def _without_national_prefix(metadata: PhoneMetadata, number: Number) -> Number:
    """`_maybe_strip_national_prefix_carrier_code`."""
    pattern = metadata.national_prefix_for_parsing
    if len(number) == 0 or not pattern:
        return number
    parsed = parse_pattern(pattern)
    found = match_start(parsed, number)
    if found is None:
        return number
    end, groups = found
    rule = metadata.national_prefix_transform_rule
    if rule and parsed.groups in groups:
        stripped = _transformed(rule, number, end, dict(groups))
    else:
        stripped = number.without(end)
    if stripped == number:
        return number
    if is_general(metadata, number) and not is_general(metadata, stripped):
        return number
    return stripped


def _transformed(rule: str, number: Number, end: int, groups: dict[int, tuple[int, int]]) -> Number:
    pieces = re.findall(r"\\[0-9]|[0-9]", rule)
    if "".join(pieces) != rule:
        raise UnsupportedPatternError(rule)
    digits = ""
    rest = end
    for place, piece in enumerate(pieces):
        if not piece.startswith("\\"):
            digits += piece
            continue
        if int(piece[1:]) not in groups:
            continue
        start, stop = groups[int(piece[1:])]
        if place == len(pieces) - 1 and stop == end:
            rest = start
        elif stop > len(number.known):
            raise UndeterminedError
        else:
            digits += number.known[start:stop]
    tail = number.without(rest)
    return Number(digits + tail.known, tail.free_digits)
