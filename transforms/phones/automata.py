"""Digit patterns as automata: whether a number matches, digit by digit."""

from collections.abc import Iterable

from transforms.phones.patterns import (
    ANY_DIGIT,
    Choice,
    Digit,
    End,
    Group,
    Node,
    Repeat,
    Sequence,
    UnsupportedPatternError,
    parse_pattern,
)


class Automaton:
    """Several patterns read side by side, as a deterministic automaton over digits.

    A state is the set of pattern positions that may come next, as the bits of an integer
    (Glushkov's construction); state 0 can match nothing any more.
    """

    def __init__(self, patterns: Iterable[str], *, is_prefix: bool = False) -> None:
        """Join patterns into one automaton.

        Args:
            patterns: Each is matched on its own; `matched` tells which.
            is_prefix: Whether any digits may follow a match.
        """
        self._masks: list[int] = []
        self._follow: list[int] = []
        self._by_digit = [0] * 10
        self._next: dict[tuple[int, int], int] = {}
        self._accepting: list[int] = []
        self.start = 0
        self.positions: list[int] = []
        for pattern in patterns:
            root = parse_pattern(pattern).root
            if is_prefix:
                root = Sequence((root, Repeat(Digit(ANY_DIGIT), 0, None)))
            before = len(self._masks)
            first, last, is_empty = self._add(root)
            # The end of input is a position of its own, which takes no digit.
            end = self._position(0)
            self._link(last, 1 << end)
            self.start |= first | (1 << end if is_empty else 0)
            self._accepting.append(1 << end)
            self.positions.append((1 << len(self._masks)) - (1 << before))
        for position, mask in enumerate(self._masks):
            for digit in range(10):
                self._by_digit[digit] |= (mask >> digit & 1) << position

    def step(self, state: int, digit: int) -> int:
        """The state after one more digit."""
        key = (state, digit)
        found = self._next.get(key)
        if found is None:
            found = 0
            active = state & self._by_digit[digit]
            while active:
                lowest = active & -active
                found |= self._follow[lowest.bit_length() - 1]
                active ^= lowest
            self._next[key] = found
        return found

    def matched(self, state: int) -> tuple[bool, ...]:
        """Which patterns match if the number ends here."""
        return tuple(bool(state & end) for end in self._accepting)

    def _position(self, mask: int) -> int:
        self._masks.append(mask)
        self._follow.append(0)
        return len(self._masks) - 1

    def _link(self, last: int, first: int) -> None:
        while last:
            lowest = last & -last
            self._follow[lowest.bit_length() - 1] |= first
            last ^= lowest

    def _add(self, node: Node) -> tuple[int, int, bool]:
        """Add a node: its first positions, its last ones, and whether it may be empty."""
        match node:
            case Digit(mask):
                bit = 1 << self._position(mask)
                return bit, bit, False
            case Sequence(items):
                return self._chain([self._add(item) for item in items])
            case Choice(options, _):
                added = [self._add(option) for option in options]
                first = last = 0
                for option_first, option_last, _ in added:
                    first |= option_first
                    last |= option_last
                return first, last, any(is_empty for _, _, is_empty in added)
            case Repeat(item, least, most):
                copies = [self._add(item) for _ in range(least)]
                if most is None:
                    first, last, _ = self._add(item)
                    self._link(last, first)
                    return self._chain([*copies, (first, last, True)])
                optional = [self._add(item) for _ in range(most - least)]
                return self._chain([*copies, *((f, e, True) for f, e, _ in optional)])
            case Group(_, item):
                return self._add(item)
            case End():
                raise UnsupportedPatternError("'$' in a pattern that is matched in full")

    def _chain(self, parts: list[tuple[int, int, bool]]) -> tuple[int, int, bool]:
        first, last, is_empty = 0, 0, True
        for part_first, part_last, part_is_empty in parts:
            self._link(last, part_first)
            first |= part_first if is_empty else 0
            last = part_last | (last if part_is_empty else 0)
            is_empty = is_empty and part_is_empty
        return first, last, is_empty
