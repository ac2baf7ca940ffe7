"""Cells whose text was decoded wrongly before it came to us.

UTF-8 that somebody read as Windows-1252 and saved again shows as `JosÃ©` (mojibake). It is mended
only where the mend is certain and reversible: all of the cell encodes to Windows-1252 (or
Latin-1) and that decodes as strict UTF-8, to letters and signs of European languages. Any other
suspicion leaves the text as it is, with an issue. A replacement character says that the sender
has lost the text; such a cell is emptied, for it must not be stored.
"""

import re
from typing import NamedTuple

import polars as pl

_LEADS = "\u00c2-\u00f4"
_TAILS = (
    "\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc"
    "\u2013\u2014\u2018-\u201e\u2020-\u2022\u2026\u2030\u2039\u203a\u20ac\u2122"
)
_SUSPECT = f"[{_LEADS}][{_TAILS}]|[\u0080-\u009f\ufffd]"
_SUSPECT_TEXT = re.compile(_SUSPECT)
# `É™` in CAFÉ™ would decode, too; only these beginnings have no use of their own.
_CERTAIN = re.compile(
    f"(?:[\u00c2\u00c3\u00c4\u00c5][{_TAILS}]|\u00e2[\u201a\u201e\u20ac\u0080\u0082\u0084][{_TAILS}])"
)
_EUROPEAN = re.compile(
    "[\x00-\x7f\u00a0-\u017f\u0192\u02c6\u02dc\u2010-\u2026\u2030\u2032\u2033\u2039\u203a\u20ac\u2122]*"
)


class Verdict(NamedTuple):
    """What is wrong with a cell, and the text to go on with (None: none)."""

    code: str
    text: str | None


def judge(text: str) -> Verdict | None:
    """What is wrong with a cell's text, or None."""
    if not _SUSPECT_TEXT.search(text):
        return None
    if "\ufffd" in text:
        return Verdict("replacement_character", None)
    mended = _mend(text)
    return Verdict("mojibake", text) if mended is None else Verdict("mojibake_mended", mended)


def find_text_issues(
    rows: pl.DataFrame, names: tuple[str, ...]
) -> tuple[pl.DataFrame, list[tuple[int, str, str, str]]]:
    """Mend or flag every cell that was decoded wrongly.

    Args:
        rows: Rows with ``line_no`` and the columns ``names``, all text.
        names: The columns to look at.

    Returns:
        The rows, and an issue as (line_no, column, code, text as it came) for each cell.
    """
    issues: list[tuple[int, str, str, str]] = []
    if not names:
        return rows, issues
    texts = rows.select(names)
    # ASCII cannot be suspect, and that it is ASCII is found out at a tenth of the cost.
    sizes = zip(
        names,
        texts.select(pl.all().str.len_bytes().sum()).row(0),
        texts.select(pl.all().str.len_chars().sum()).row(0),
        strict=True,
    )
    for name in [name for name, n_bytes, n_chars in sizes if n_bytes != n_chars]:
        column = rows[name]
        is_suspect = column.str.contains(_SUSPECT).fill_null(False)
        if not is_suspect.any():
            continue
        at = is_suspect.arg_true()
        judged: list[str | None] = []
        found = zip(rows["line_no"].gather(at), column.gather(at), strict=True)
        for line_no, text in found:
            verdict = judge(text)
            judged.append(text if verdict is None else verdict.text)
            if verdict is not None:
                issues.append((line_no, name, verdict.code, text))
        mended = column.scatter(at, pl.Series(judged, dtype=pl.String))
        rows = rows.with_columns(mended.alias(name))
    return rows, issues


def _mend(text: str) -> str | None:
    for codec in ("cp1252", "latin-1"):
        try:
            mended = text.encode(codec).decode("utf-8")
        except UnicodeError:
            continue
        is_reversible = mended.encode("utf-8").decode(codec, errors="replace") == text
        rest = _CERTAIN.sub("", text)
        is_certain = rest.isascii() or all(
            char in "\u20ac\u2122\u0153\u017e" for char in rest if ord(char) > 127
        )
        if is_reversible and is_certain and _EUROPEAN.fullmatch(mended):
            return mended
    return None
