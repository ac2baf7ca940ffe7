"""Lines that are no records: totals, disclaimers, repeated headers, rules of dashes.

A person may be called Total; a footer must therefore look like one in all its cells.
"""

import re

import polars as pl

_TOTAL = re.compile(
    r"\W*((grand|sub|report|overall|column|page)[\s_-]*)?totals?"
    r"(\s*(number|no\.?|amount|of|records?|rows?|leads?|contacts?|count))*"
    r"\s*[:=]?\s*[\d.,$€£ ]*\W*",
    re.IGNORECASE,
)
_AMOUNT = re.compile(r"[\s\d.,$€£%()+-]*(rows|records|leads|contacts)?", re.IGNORECASE)
# Ten digits and more without a separator of thousands are a phone, and Total is somebody's name.
_DIALLED = re.compile(r"\+?\(?\d[\d\s().-]{8,}\d")
_RULE = re.compile(r"[-=_*~+|\s]{3,}")
_FEW_ROWS = 1_000
_TOTAL_MARKS = ["otal", "OTAL"]
_FOOTER_START = re.compile(
    r"\W*(confidential|disclaimer|copyright|©|\(c\)|generated|exported|report|end of|eof\b|"
    r"source:|note[s:]|\d[\d,.]* (rows|records|leads|contacts)\b|(rows|records|count):)",
    re.IGNORECASE,
)


def is_total(fields: list[str]) -> bool:
    """Whether the first filled cell says total, and all others are amounts or blank."""
    first = next((field for field in fields if field.strip()), "")
    # Nearly every record ends here, so this comes before anything dear.
    if "otal" not in first and "OTAL" not in first:
        return False
    if not _TOTAL.fullmatch(first.strip()):
        return False
    rest = [field.strip() for field in fields if field.strip()][1:]
    return all(_AMOUNT.fullmatch(field) and not _DIALLED.fullmatch(field) for field in rest)


def is_repeated_header(fields: list[str], header: tuple[str, ...]) -> bool:
    """Whether a record states the header again, as where files have been put together."""
    if len(fields) < len(header) or not any(header):
        return False
    for field, name in zip(fields, header, strict=False):
        if field != name and field.strip("\ufeff ") != name:
            return False
    return True


def is_rule(text: str) -> bool:
    """Whether a line is a rule of dashes or the like."""
    return _RULE.fullmatch(text) is not None and len(set(text)) <= 3


def is_footer(text: str, fields: list[str]) -> bool:
    """Whether a line that does not fit the header may be a footer, if nothing follows it.

    A word or a number alone is more likely what is left of a record that was cut off.
    """
    filled = [field for field in fields if field.strip()]
    is_prose = len(text.split()) >= 3 and all(
        field.startswith(" ") for field in fields[1:] if field
    )
    if not filled:
        return False
    if _FOOTER_START.match(filled[0]):
        return True
    return is_prose and "@" not in text


def may_hold_footers(rows: pl.DataFrame, header: tuple[str, ...], text: bytes) -> bool:
    """Whether any row may be a total or a repeated header; false is certain.

    Args:
        rows: All cells, as texts.
        header: The names as they stand in the file.
        text: Bytes that hold all of the rows.
    """
    named = next((at for at, name in enumerate(header) if name), None)
    if named is not None:
        column = rows.to_series(named)
        if (column.str.strip_chars("\ufeff ") == header[named]).any():
            return True
    first = rows.to_series(0)
    if first.str.contains_any(_TOTAL_MARKS).any():
        return True
    is_blank = first.str.strip_chars() == ""
    if not is_blank.any():
        return False
    rest = rows.filter(is_blank)
    if len(rest) < _FEW_ROWS:
        cells = "\n".join(cell for row in rest.iter_rows() for cell in row if cell)
        return any(mark in cells for mark in _TOTAL_MARKS)
    # To look for them in the text is a tenth of looking at so many cells.
    if not any(mark.encode() in text for mark in _TOTAL_MARKS):
        return False
    return any(column.str.contains_any(_TOTAL_MARKS).any() for column in rest.get_columns()[1:])
