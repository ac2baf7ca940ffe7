"""Cells whose text was decoded wrongly before it came to us.

UTF-8 that somebody read as Windows-1252 and saved again shows as `JosÃ©` (mojibake). It is mended
only where the mend is certain and reversible: all of the cell encodes to Windows-1252 (or
Latin-1) and that decodes as strict UTF-8, to letters and signs of European languages. Any other
suspicion leaves the text as it is, with an issue. A replacement character says that the sender
has lost the text; such a cell is emptied, for it must not be stored.
"""

import re
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

Positions = npt.NDArray[np.int64]

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


def find_suspects(text: bytes) -> Positions:
    """Where in a text in UTF-8 such a cell may be, at a tenth of the cost of looking at cells.

    U+00C2 to U+00F4 are written as C3 and a byte, and what may follow them begins with C2 at
    least; U+0080 to U+009F are C2 80 to C2 9F.

    Returns:
        Byte offsets, among which all suspect cells have one.
    """
    if text.isascii():
        return np.zeros(0, dtype=np.int64)
    units = np.frombuffer(text, dtype=np.uint8)
    leads = np.flatnonzero(units[:-2] == 0xC3)
    leads = leads[units[leads + 2] >= 0xC2]
    controls = np.flatnonzero(units[:-1] == 0xC2)
    controls = controls[units[controls + 1] < 0xA0]
    lost = np.flatnonzero(units[:-2] == 0xEF)
    return np.concatenate([leads, controls, lost])


def mend_rows(
    rows: pl.DataFrame, names: tuple[str, ...], at: Positions
) -> tuple[pl.DataFrame, list[tuple[int, str, str, str]]]:
    """``find_text_issues`` in some rows alone, given by their indexes."""
    mended, issues = find_text_issues(rows[at], names)
    odd = [rows[name].scatter(at, mended[name]) for name in {issue[1] for issue in issues}]
    return rows.with_columns(odd), issues


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
        at = (column.str.len_bytes() != column.str.len_chars()).arg_true()
        at = at.filter(column.gather(at).str.contains(_SUSPECT))
        if not len(at):
            continue
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
