"""Whether a text, as a source wrote it, mentions what identifies a person."""

import re
from collections.abc import Iterable, Iterator

import phonenumbers
import polars as pl

from transforms.emails import key_emails

_SHORTEST_ID = 5
_BETWEEN_DIGITS = r"[ \u00a0().\-/\u2010-\u2015]*"
_DOMAIN = re.compile(r"@[\w.-]*\w")
_NO_MAILBOX = re.compile(r"[\s,;:<>()\[\]\"'|]")
_LONGEST_MAILBOX = 64


class Mentions:
    """Finds a person's claims in texts, however they are spelled there.

    A phone is found by its national digits, with or without blanks and signs between them; an email
    by its comparable form; an id as it is, if it has five characters: a shorter one stands in
    texts about anybody.
    """

    def __init__(self, claims: Iterable[tuple[str, str]]) -> None:
        """Take the claims to look for, as ``identities`` spells them: kind and value."""
        keys: set[str] = set()
        patterns: set[str] = set()
        for kind, value in claims:
            if kind == "phone":
                patterns.add(_BETWEEN_DIGITS.join(map(re.escape, _national(value))))
            elif kind == "email":
                keys.add(value.lower())
            elif "+" not in kind and len(value) >= _SHORTEST_ID:
                patterns.add(rf"(?<![0-9A-Za-z]){re.escape(value)}(?![0-9A-Za-z])")
        self._keys = keys | set(_key(keys))
        self._others = re.compile("|".join(sorted(patterns))) if patterns else None

    def are_in(self, text: str) -> bool:
        """Whether one of the claims stands in a text."""
        if self._others and self._others.search(text):
            return True
        if not self._keys or "@" not in text:
            return False
        addresses = set(_list_addresses(text))
        return not self._keys.isdisjoint(addresses | set(_key(addresses)))


def _list_addresses(text: str) -> Iterator[str]:
    # From each @ outwards, so that a text without blanks takes no longer than another.
    for found in _DOMAIN.finditer(text):
        before = text[max(0, found.start() - _LONGEST_MAILBOX) : found.start()]
        yield (_NO_MAILBOX.split(before)[-1] + found[0]).lower()


def _national(phone: str) -> str:
    """The digits that people dial at home; of what is no E.164 all digits."""
    try:
        parsed = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return re.sub(r"\D", "", phone) or phone
    return str(phonenumbers.national_significant_number(parsed))


def _key(addresses: Iterable[str]) -> list[str]:
    keys = key_emails(pl.Series(sorted(addresses), dtype=pl.String))
    return [key for key in keys if key]
