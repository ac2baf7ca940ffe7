"""Personal data for eyes that need its form only: phones, emails, names and texts, hidden."""

import re
import unicodedata
from collections.abc import Collection

_EMAIL = re.compile(r"[^\s@,;:<>|'\"]+@[^\s@,;:<>|'\"]+")
# Seven digits or more, whatever stands between or beside them, but no date, and no part of one.
_PHONE = re.compile(
    r"(?<!\d)(?<!\d-)(?!(?:19|20)\d\d-?[01]\d-?[0-3]\d(?!\d))"
    r"\+?\(?\d(?:[\s().\-/\u2010-\u2015\u2212]{0,3}\d){6,}"
)
# Our ids and hashes hold digits that are nobody's.
_ID = re.compile(r"\b(?:[a-z]+_[0-9A-Z]{26}|[0-9a-f]{64})\b")
_QUOTED = re.compile(r"(?<!\w)'([^'\n]*)'(?![\w'])")
_STRAY_QUOTE = re.compile(r"(?<!\w)'|'(?!\w)")
_WORD = re.compile(r"[^\W\d_]+")
_WORD_OR_DIGITS = re.compile(r"[^\W\d_]+|\d+")
_FEW_DIGITS = 2
_SHOWN_START = 4
_SHOWN_END = 2
_HIDDEN_LEAST = 5


def mask_phone(phone: str) -> str:
    """A phone with its middle hidden, in the form in which it is written.

    ``+14155552671`` becomes ``+1 415 *** **71``; of a short number everything is hidden.
    """
    digits = sum(map(str.isdigit, phone))
    start = min(_SHOWN_START, digits - _SHOWN_END - _HIDDEN_LEAST)
    if start < 0:
        return _hide_digits(phone, 0, 0)
    if re.fullmatch(r"\+1\d{10}", phone):
        phone = f"+1 {phone[2:5]} {phone[5:8]} {phone[8:]}"
    return _hide_digits(phone, start, digits - _SHOWN_END)


def mask_email(email: str) -> str:
    """An email with its first letter and its domain: ``a***@example.com``."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}***@{domain}" if local and domain else mask_shape(email)


def mask_name(name: str) -> str:
    """A name, or any text, with the first letter of each word: ``A** S****``."""
    return _WORD.sub(lambda found: found[0][0] + "*" * (len(found[0]) - 1), _hide_digits(name))


def mask_shape(text: str) -> str:
    """A text of which only the form is left: ``Ann,+1415`` becomes ``Xxx,+9999``."""
    return "".join(map(_shape, text))


def mask_sentence(sentence: str, known_words: Collection[str]) -> str:
    """A sentence of ours that may quote a file: phones and emails hidden, and what is no header.

    A file without a header has a row of data in its place. So of a quoted text those words are
    kept that are known. Where a quoted text has apostrophes of its own, nobody can tell what is
    quoted, and all from the first to the last is taken for it.

    Args:
        sentence: What is told.
        known_words: Words, in lower case, of the headers and names that we know.
    """

    def hidden(text: str) -> str:
        def each(found: re.Match[str]) -> str:
            part = found[0]
            is_kept = part.lower() in known_words or (part.isdigit() and len(part) <= _FEW_DIGITS)
            return part if is_kept else mask_shape(part)

        return _WORD_OR_DIGITS.sub(each, text)

    sentence = _EMAIL.sub(lambda found: mask_email(found[0]), sentence)
    sentence = _hide_phones(sentence)
    if _STRAY_QUOTE.search(_QUOTED.sub("", sentence)):
        start, end = sentence.index("'"), sentence.rindex("'") + 1
        return sentence[:start] + hidden(sentence[start:end]) + sentence[end:]
    return _QUOTED.sub(lambda found: f"'{hidden(found[1])}'", sentence)


def _hide_phones(text: str) -> str:
    out, end = [], 0
    for own in _ID.finditer(text):
        out += [_PHONE.sub(lambda found: mask_phone(found[0]), text[end : own.start()]), own[0]]
        end = own.end()
    return "".join((*out, _PHONE.sub(lambda found: mask_phone(found[0]), text[end:])))


def mask_field(name: str, value: str) -> str:
    """The value of a field of a golden record, hidden as its kind wants it.

    Args:
        name: The field, as ``contracts.people.GOLDEN`` names it.
        value: Its value.
    """
    if name == "phone":
        return mask_phone(value)
    if name == "email":
        return mask_email(value)
    return value if name in _IMPERSONAL else mask_name(value)


# What many people share, and what tells nobody who it is.
_IMPERSONAL = ("honorific", "country", "state")


def _hide_digits(text: str, start: int = 0, end: int | None = None) -> str:
    """Digits as ``*``, but those before ``start`` and from ``end`` on."""
    out, seen = [], 0
    for character in text:
        is_digit = character.isdigit()
        is_shown = seen < start or (end is not None and start > 0 and seen >= end)
        out.append("*" if is_digit and not is_shown else character)
        seen += is_digit
    return "".join(out)


def _shape(character: str) -> str:
    kind = unicodedata.category(character)
    if kind[0] == "L":
        return "X" if kind == "Lu" else "x"
    if kind[0] == "N":
        return "9"
    # Marks belong to the letter before them; what cannot be seen tells nothing.
    return "" if kind[0] in "MC" and not character.isspace() else character
