"""Digit patterns: the small regular language in which phone metadata is written.

`phonenumbers` ships its rules as regular expressions over digits. Two questions about them can be
answered without the number being known in full, and the tables of `phone_tables` are built from
the answers: does a number that starts so match (`phone_automata`), and what does a prefix pattern
take off its front (`match_start`)?
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

ANY_DIGIT = 0b11_1111_1111
_TOKEN = re.compile(r"\\d|\[[0-9-]+\]|[0-9]|\(\?:|[()|?*+$]|\{\d+(?:,\d*)?\}")


class UnsupportedPatternError(ValueError):
    """A pattern uses something other than digits, classes, groups, choices and repeats."""


class UndeterminedError(Exception):
    """The answer depends on digits that are not known yet."""


class Number(NamedTuple):
    """A number of which only the first digits are known."""

    known: str
    free_digits: int

    def __len__(self) -> int:
        return len(self.known) + self.free_digits

    def without(self, digits: int) -> "Number":
        """Take digits off the front, known or not."""
        unknown = max(digits - len(self.known), 0)
        return Number(self.known[digits:], self.free_digits - unknown)


@dataclass(frozen=True)
class Digit:
    """One digit, of those in the mask."""

    mask: int


@dataclass(frozen=True)
class Sequence:
    """One item after the other."""

    items: tuple["Node", ...]


@dataclass(frozen=True)
class Choice:
    """One of the options."""

    options: tuple["Node", ...]
    first_masks: tuple[int, ...]
    """The digits that each option may begin with: most are ruled out at a glance."""


@dataclass(frozen=True)
class Repeat:
    """An item, from ``least`` to ``most`` times; no most: without end."""

    item: "Node"
    least: int
    most: int | None


@dataclass(frozen=True)
class Group:
    """A capturing group."""

    index: int
    item: "Node"


@dataclass(frozen=True)
class End:
    """The end of the number."""


Node = Digit | Sequence | Choice | Repeat | Group | End
Span = tuple[int, int]


class Parsed(NamedTuple):
    """A pattern as a tree, and how many capturing groups it has."""

    root: Node
    groups: int


@cache
def parse_pattern(pattern: str) -> Parsed:
    """Read a metadata pattern.

    Raises:
        UnsupportedPatternError: It holds a construct that metadata has not used so far. The
            caller then leaves the region to `phonenumbers`.
    """
    tokens: list[str] = []
    at = 0
    while at < len(pattern):
        found = _TOKEN.match(pattern, at)
        if found is None:
            raise UnsupportedPatternError(f"{pattern!r} at {at}")
        tokens.append(found.group())
        at = found.end()
    reader = _Reader(tokens)
    root = reader.choice()
    if reader.at != len(tokens):
        raise UnsupportedPatternError(f"{pattern!r}: unbalanced parenthesis")
    return Parsed(root, reader.groups)


def _first_mask(node: Node) -> int:
    """The digits that a match may begin with; all of them if it may be empty."""
    match node:
        case Digit(mask):
            return mask
        case Sequence(items):
            return _first_mask(items[0]) if items else ANY_DIGIT
        case Choice(_, first_masks):
            return sum(1 << d for d in range(10) if any(mask >> d & 1 for mask in first_masks))
        case Repeat(item, least, _):
            return _first_mask(item) if least else ANY_DIGIT
        case Group(_, item):
            return _first_mask(item)
        case End():
            return ANY_DIGIT


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0
        self.groups = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def choice(self) -> Node:
        options = [self.sequence()]
        while self.peek() == "|":
            self.take()
            options.append(self.sequence())
        return (
            options[0]
            if len(options) == 1
            else Choice(tuple(options), tuple(_first_mask(option) for option in options))
        )

    def sequence(self) -> Node:
        items: list[Node] = []
        while self.peek() not in ("", "|", ")"):
            items.append(self.repeat(self.atom()))
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def atom(self) -> Node:
        token = self.take()
        if token in ("(?:", "("):
            if token == "(":
                self.groups += 1
            index = self.groups
            item = self.choice()
            if self.peek() != ")":
                raise UnsupportedPatternError("unbalanced parenthesis")
            self.take()
            return Group(index, item) if token == "(" else item
        if token == "$":
            return End()
        if token == r"\d" or token.isdigit() or token[0] == "[":
            return Digit(_mask(token))
        raise UnsupportedPatternError(f"unexpected {token!r}")

    def repeat(self, item: Node) -> Node:
        token = self.peek()
        bounds: dict[str, tuple[int, int | None]] = {"?": (0, 1), "*": (0, None), "+": (1, None)}
        if token in bounds:
            least, most = bounds[token]
        elif token.startswith("{"):
            first, comma, last = token[1:-1].partition(",")
            least = int(first)
            most = int(last) if last else (None if comma else least)
        else:
            return item
        self.take()
        if self.peek() in ("?", "*", "+"):
            raise UnsupportedPatternError("a lazy, possessive or doubled quantifier")
        return Repeat(item, least, most)


def _mask(token: str) -> int:
    if token == r"\d":
        return ANY_DIGIT
    digits = re.compile(token)
    return sum(1 << digit for digit in range(10) if digits.fullmatch(str(digit)))


def match_start(parsed: Parsed, number: Number) -> tuple[int, Mapping[int, Span]] | None:
    """What `re.match` finds at the front of a number: the end, and the groups' spans.

    Alternatives are tried in the order in which `re` tries them, so the first that fits is its
    answer.

    Raises:
        UndeterminedError: It depends on a digit that is not known.
    """
    return next(_ends(parsed.root, number, 0, {}), None)


def _ends(
    node: Node, number: Number, at: int, groups: Mapping[int, Span]
) -> Iterator[tuple[int, Mapping[int, Span]]]:
    match node:
        case Digit(mask):
            if at < len(number) and _takes(mask, number, at):
                yield at + 1, groups
        case Sequence(items):
            if not items:
                yield at, groups
                return
            for end, found in _ends(items[0], number, at, groups):
                yield from _ends(Sequence(items[1:]), number, end, found)
        case Choice(options, first_masks):
            digit = int(number.known[at]) if at < len(number.known) else None
            for option, mask in zip(options, first_masks, strict=True):
                if digit is None or mask >> digit & 1:
                    yield from _ends(option, number, at, groups)
        case Repeat(item, least, most):
            if most is None or most > 0:
                rest = Repeat(item, max(least - 1, 0), None if most is None else most - 1)
                for end, found in _ends(item, number, at, groups):
                    if end > at:
                        yield from _ends(rest, number, end, found)
            if least == 0:
                yield at, groups
        case Group(index, item):
            for end, found in _ends(item, number, at, groups):
                yield end, {**found, index: (at, end)}
        case End():
            if at == len(number):
                yield at, groups


def _takes(mask: int, number: Number, at: int) -> bool:
    if at < len(number.known):
        return bool(mask >> int(number.known[at]) & 1)
    if mask != ANY_DIGIT:
        raise UndeterminedError
    return True
