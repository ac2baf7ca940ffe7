"""Short ids for pairs of people: to be read aloud, typed, and kept whole by a spreadsheet."""

import hashlib
from collections.abc import Iterable

PairKey = tuple[str, str]
"""``left_id`` and ``right_id`` of a candidate."""

SHORTEST = 8
# Without vowels no id is a word, a month or a number like 1E5, which spreadsheets would rewrite.
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


def pair_id(key: PairKey, length: int = SHORTEST) -> str:
    """The first letters of a pair's id: a hash of its key."""
    number = int.from_bytes(hashlib.sha256("\x1f".join(key).encode()).digest())
    letters = []
    for _ in range(length):
        number, at = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[at])
    return "".join(letters)


def name_pairs(keys: Iterable[PairKey]) -> dict[PairKey, str]:
    """Each pair's id: eight letters, and as many more as tell it from the others."""
    named: dict[PairKey, str] = {}
    open_keys, length = sorted(set(keys)), SHORTEST
    while open_keys:
        by_id: dict[str, list[PairKey]] = {}
        for key in open_keys:
            by_id.setdefault(pair_id(key, length), []).append(key)
        named |= {same[0]: short for short, same in by_id.items() if len(same) == 1}
        open_keys = [key for same in by_id.values() if len(same) > 1 for key in same]
        length += 1
    return named
