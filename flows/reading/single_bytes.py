"""Which of the encodings with one byte per character a text is in."""

import codecs
import re

from charset_normalizer import from_bytes

_HOLES = b"\x81\x8d\x8f\x90\x9d"
_SINGLE_BYTE = ("cp1252", "iso8859-1", "mac-roman")


def choose_single_byte(sample: bytes) -> str:
    """Windows-1252, Latin-1 or MacRoman, for text that is none of the Unicode encodings.

    charset-normalizer says how messy each reading looks. On a handful of names it cannot tell
    `Jos\u017d` from `José`, so letters of the wrong case and signs inside of words count, too.
    Latin-1 and Windows-1252 are the same where only Latin-1's letters occur; that is called
    Windows-1252.
    """
    # Bytes that Windows-1252 lacks are damage if it is that; they must not rule it out.
    found = from_bytes(
        sample.translate(None, _HOLES), cp_isolation=list(_SINGLE_BYTE), threshold=1.0
    )
    mess = {codecs.lookup(match.encoding).name: match.chaos for match in found}
    scores = {}
    for rank, codec in enumerate(_SINGLE_BYTE):
        try:
            text = sample.decode(codec)
        except UnicodeDecodeError:
            text = sample.decode(codec, errors="replace")
        scores[codec] = (mess.get(codec, 1.0) + 4 * _implausible_share(text), rank)
    return min(scores, key=lambda codec: scores[codec])


_IN_WORD_SIGN = re.compile(r"(?<=[^\W\d_])[^\w\s\x00-\x7f’‘´\xa0](?=[^\W\d_])")
_WRONG_CASE = re.compile(r"(?<=[a-zß-öø-ÿ])[^\W\d_a-zß-öø-ÿ\x00-\x7f](?=[a-z\W]|$)")
_CONTROLS = re.compile(r"[\x80-\x9f]")
_HOLE = re.compile("\ufffd")
_CAPITAL_SIGN = re.compile(r"(?<=\b[A-Z])[^\w\s\x00-\x7f’‘](?=[a-z])")
_CAPITAL_IN_FIRST = re.compile(r"(?<=\b[A-Z])[^\W\d_\x00-\x7fa-zß-öø-ÿœšžƒﬁﬂı](?=[a-z])")
_APOSTROPHE_BEFORE_SMALL = re.compile(r"(?<=[a-z])[’‘](?=[a-z]{2,})")


def _implausible_share(text: str) -> float:
    strange = sum(1 for char in text if ord(char) > 127)
    faults = sum(
        weight * len(pattern.findall(text))
        for pattern, weight in (
            (_IN_WORD_SIGN, 1.0),
            (_WRONG_CASE, 1.0),
            (_CONTROLS, 2.0),
            (_HOLE, 1.0),
            (_CAPITAL_SIGN, 1.0),
            (_CAPITAL_IN_FIRST, 1.0),
            (_APOSTROPHE_BEFORE_SMALL, 0.5),
        )
    )
    return faults / max(1, strange)
