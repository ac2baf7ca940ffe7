"""The text of a phone cell: what spreadsheets, forms and people put around a number.

Nothing here knows a country. Each step takes and returns `pl.Expr`, passes null on, leaves text
that is not its business alone, and does nothing to its own result.
"""

import unicodedata
from functools import cache

import polars as pl

from transforms.columns import is_beyond_ascii, put

BREAK = "\x1f"
"""Stands between the numbers of a cell once they are told apart."""

FEWEST_DIGITS = 7
"""Of a piece of a cell that can be a number of its own: shorter ones are extensions, area codes
or the alternative endings of the number before them."""


@cache
def _characters() -> dict[str, str]:
    """Characters that stand for a plain one, or for nothing; from Unicode's own tables."""
    plain = {}
    # No digit or mark stands in the planes between, and they would take most of the time.
    for code in (*range(0x80, 0x20000), *range(0xE0000, 0xE0080)):
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Nd":
            plain[character] = str(unicodedata.digit(character))
        elif category == "Cf":
            # Bidi marks, zero-width joiners, byte order marks, soft hyphens.
            plain[character] = ""
        elif category in ("Zs", "Zl", "Zp"):
            plain[character] = "\n" if category != "Zs" else " "
        elif category == "Pd":
            plain[character] = "-"
        elif 0xFF01 <= code <= 0xFF5E:
            plain[character] = chr(code - 0xFF01 + 0x21)
    plain["\u2212"] = "-"
    plain["\x00"] = ""
    return plain


def _plain(texts: pl.Series) -> pl.Series:
    # Of ASCII only NUL is replaced, and phones are ASCII mostly.
    is_odd = is_beyond_ascii(texts) | texts.str.contains("\0", literal=True).fill_null(value=False)
    if not is_odd.any():
        return texts
    plain = _characters()
    odd = texts.filter(is_odd).str.replace_many(list(plain), list(plain.values()))
    return put(texts, is_odd, odd)


def tidy(value: pl.Expr) -> pl.Expr:
    """ASCII digits, spaces, dashes and full-width forms; no invisible characters.

    Formula wrapping (`="..."`), quotes and spaces around the text are taken off.
    """
    text = value.map_batches(_plain, return_dtype=pl.String, is_elementwise=True)
    return text.str.strip_chars("=\"'`\u2018\u2019\u201c\u201d \t\r\n")


def without_decimal_tail(text: pl.Expr) -> pl.Expr:
    """Drop the `.0` that a spreadsheet leaves behind a number, and only behind a bare one."""
    return text.str.replace(r"^([^0-9+]*\+?[0-9]{5,})\.0+$", "${1}")


def has_decimal_tail(text: pl.Expr) -> pl.Expr:
    """Whether `without_decimal_tail` would change the text."""
    return text.str.contains(r"^[^0-9+]*\+?[0-9]{5,}\.0+$")


_SCIENTIFIC = r"^(\+?[0-9]+)(?:[.,]([0-9]*))?[eE][+]?([0-9]{1,2})$"


def is_scientific(text: pl.Expr) -> pl.Expr:
    """Whether the text is a number in scientific notation, exact or not."""
    return text.str.contains(r"^[+-]?[0-9]+(?:[.,][0-9]*)?[eE][+-]?[0-9]{1,3}$")


def expand_scientific(text: pl.Expr) -> pl.Expr:
    """Write scientific notation out where it holds every digit; null where it does not.

    `4.155552671E9` is 4155552671. `6.28E+10` has lost eight digits: zeros in their place would
    be somebody else's number. Text in other notation gives null too.
    """
    whole = text.str.extract(_SCIENTIFIC, 1)
    fraction = text.str.extract(_SCIENTIFIC, 2).fill_null("")
    exponent = text.str.extract(_SCIENTIFIC, 3).cast(pl.UInt32, strict=False)
    return pl.when(fraction.str.len_bytes() == exponent).then(whole + fraction)


def pieces(text: pl.Expr) -> pl.Expr:
    """Split where one number may end and the next begin: a list of texts, often of one.

    Separators are `/ ; , | &`, a line break, a tab, `or`, `and`, and a plus behind a digit.
    Parameters of a `tel:` link are not split off.
    """
    broken = (
        text.str.replace_all(r"[/;,|&\n\r\t]|\s(?i:or|and)\s", BREAK)
        .str.replace_all(r"([0-9)]\s*)\+", "${1}" + BREAK + "+")
        .str.split(BREAK)
    )
    return pl.when(is_link(text)).then(pl.concat_list(text)).otherwise(broken)


def is_link(text: pl.Expr) -> pl.Expr:
    """Whether the text has parameters of a `tel:` link (RFC 3966), which the library reads."""
    return text.str.contains(r"(?i);(?:phone-context|isub|ext)=")


def digits(text: pl.Expr) -> pl.Expr:
    """The ASCII digits of the text alone."""
    return text.str.replace_all(r"[^0-9]", "")


def head(text: pl.Expr) -> pl.Expr:
    """What stands before the first letter behind a digit: `4155552671 (cell)` -> `4155552671 (`.

    Null where no letter follows a digit, and in a `tel:` link.
    """
    return pl.when(~is_link(text)).then(text.str.extract(r"^([^0-9]*[0-9][^\p{L}]*)\p{L}", 1))


def up_to_last_digit(text: pl.Expr) -> pl.Expr:
    """The text without what follows its last digit: a label behind an extension."""
    return text.str.extract(r"^(.*[0-9])", 1)
