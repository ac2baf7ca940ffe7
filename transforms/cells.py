"""Values that a spreadsheet or an export has damaged, whatever the column means.

:func:`mend_cells` is what the pipeline calls. The expressions that it is made of stand below it.
"""

import re
from collections.abc import Collection

import polars as pl

from transforms.columns import nulls, put, spread

# What Excel and LibreOffice show in place of a value; support.microsoft.com, "How to correct a
# #NAME? error" and its sisters. A row of hashes is a number in too narrow a column.
_ERROR = (
    r"^(?:#(?:REF|NAME|VALUE|DIV/0|NUM|NULL|SPILL|CALC|FIELD|BLOCKED|CONNECT|BUSY|UNKNOWN)[!?]"
    r"|#N/A|#GETTING_DATA|Err:\d{3}|#{4,})$"
)
# A marker that says "text" stands only before what a spreadsheet would have calculated with, or
# before white space that `neutralize` has made harmless. `'s-Hertogenbosch` and `'t Hooft` keep
# their apostrophe.
_APOSTROPHES = r"^(?:'['\s]*[\t\r\n]\s*)?(?:'+([0-9=+\-@＝＋－＠]))?"
_WRAPPED = r'^="([^"]*)"$'
# Also `+cmd|...` and `-x(...)`. `+1 (415) 555-2671` and `-5` are none.
_FORMULA = r"^(?:[=＝].|@\p{L}+\(|[+\-@][^|]*\|.*!|[+\-]\p{L}.*[(|!])"
# Single digits before the point only, and a point or a sign: `12E4` is a flat, `1E5` a product.
_SCIENTIFIC = r"^[+-]?\d(?:[.,]\d+)?[eE](?:[+-]\d{1,3})$|^[+-]?\d[.,]\d+[eE]\d{1,3}$"
_DECIMAL_TAIL = r"^([+-]?\d+)\.0+$"
# How every cell begins that is mended, or is blank: one pattern tied to the start is the cheapest.
_ODD_START = r"^(?:['=＝@#+\-\s]|Err:|(?i:{blanks})?$)"
_ODD_NUMBER = r"\.0+$|^\d[\d.,]*[eE]"

# OWASP, "CSV Injection": a cell that begins with one of these may be run by a spreadsheet.
_RUNNABLE = r"^'*[=+\-@＝＋－＠\t\r\n]"
_PLAIN_NEGATIVE = r"^-\d{1,15}(?:[.,]\d+)?$"


def mend_cells(values: pl.Series, blanks: Collection[str], *, is_number: bool) -> pl.DataFrame:
    """Take back what spreadsheets do to cells. Nothing is invented.

    Outer white space falls away; a cell that is then empty or one of the blanks is null without an
    issue. Mended cells are their own mended form.

    Args:
        values: The cells as text.
        blanks: What counts as nothing (``NULL``, ``N/A``, ``-``), in any case: the contract's list.
        is_number: Whether the column holds ids, phones or numbers. Only there are a ``.0`` tail
            and scientific notation damage; ``12E4`` is a fair flat number.

    Returns:
        Row for row ``value`` (text) and ``issue``:

        - ``cell_excel_text``: ``="0123"`` or an apostrophe marker, unwrapped.
        - ``cell_decimal_tail``: ``4155552671.0``, without its tail.
        - ``cell_scientific_expanded``: ``4.155552671E9``, every digit present, written out.
        - ``cell_scientific``: ``6.28E+10``, digits lost: null.
        - ``cell_excel_error``: ``#REF!`` and such: null.
        - ``cell_formula``: ``=cmd|...``: kept as text.
    """
    is_odd = values.str.contains(_ODD_START.format(blanks=_any_of(blanks)))
    is_odd |= values.str.strip_chars_end() != values
    if is_number:
        is_odd |= values.str.contains(_ODD_NUMBER)
    is_odd = is_odd.fill_null(False)
    if not is_odd.any():
        return pl.DataFrame({"value": values, "issue": nulls(values.len())})
    odd = (
        pl.DataFrame({"cell": values.filter(is_odd)})
        .select(mend_text(pl.col("cell"), blanks).alias("text"))
        .unnest("text")
    )
    if is_number:
        odd = odd.with_columns(mend_number(pl.col("value")).alias("number")).select(
            pl.col("number").struct.field("value"),
            pl.coalesce(pl.col("number").struct.field("issue"), "issue"),
        )
    return pl.DataFrame(
        {"value": put(values, is_odd, odd["value"]), "issue": spread(odd["issue"], is_odd)}
    )


def mend_text(text: pl.Expr, blanks: Collection[str]) -> pl.Expr:
    """A struct of ``value`` and ``issue`` for any cell. See :func:`mend_cells`."""
    trimmed = text.str.strip_chars()
    bare = unwrap(trimmed)
    is_error = bare.str.contains(_ERROR)
    is_nothing = is_blank(trimmed, blanks) | is_blank(bare, blanks)
    return pl.struct(
        pl.when(~is_nothing & ~is_error).then(bare).alias("value"),
        pl.when(is_nothing)
        .then(None)
        .when(is_error)
        .then(pl.lit("cell_excel_error"))
        .when(bare.str.contains(_FORMULA))
        .then(pl.lit("cell_formula"))
        .when(bare != trimmed)
        .then(pl.lit("cell_excel_text"))
        .alias("issue"),
    )


def mend_number(text: pl.Expr) -> pl.Expr:
    """A struct of ``value`` and ``issue`` for ids, phones and numbers, after :func:`mend_text`."""
    is_scientific = text.str.contains(_SCIENTIFIC)
    has_tail = text.str.contains(_DECIMAL_TAIL)
    expanded = expand_scientific(text)
    return pl.struct(
        pl.when(is_scientific)
        .then(expanded)
        .otherwise(text.str.replace(_DECIMAL_TAIL, "${1}"))
        .alias("value"),
        pl.when(is_scientific & expanded.is_null())
        .then(pl.lit("cell_scientific"))
        .when(is_scientific)
        .then(pl.lit("cell_scientific_expanded"))
        .when(has_tail)
        .then(pl.lit("cell_decimal_tail"))
        .alias("issue"),
    )


def is_blank(text: pl.Expr, blanks: Collection[str]) -> pl.Expr:
    """Whether trimmed text is empty or one of the blanks, in any case. Null stays null."""
    return text.str.contains(_blank_pattern(blanks))


def unwrap(text: pl.Expr) -> pl.Expr:
    """Trimmed text without ``="..."`` and apostrophe markers. Its own normal form."""
    return (
        text.str.replace(_APOSTROPHES, "${1}")
        .str.replace(_WRAPPED, "${1}")
        .str.strip_chars()
        .str.replace(_APOSTROPHES, "${1}")
    )


def expand_scientific(text: pl.Expr) -> pl.Expr:
    """The whole number that scientific notation states digit by digit; null where digits are lost.

    ``4.155552671E9`` has nine digits behind the point and says nine: exact. ``6.28E+10`` does not
    say what its last eight digits were. Nor does ``4.15555267E9``, where a zero may have been
    dropped or a digit rounded away. Text in other forms gives null.
    """
    mantissa = text.str.extract(r"^([+-]?\d(?:[.,]\d+)?)[eE]\+?\d{1,3}$")
    exponent = text.str.extract(r"[eE]\+?(\d{1,3})$").cast(pl.Int64, strict=False)
    sign = mantissa.str.extract(r"^(-?)")
    digits = mantissa.str.replace_all(r"[+\-.,]", "")
    tail = digits.str.slice(exponent + 1)
    is_exact = (digits.str.len_chars() > exponent) & tail.str.contains(r"^0*$")
    return pl.when(is_exact).then(sign + digits.str.slice(0, exponent + 1))


def neutralize(text: pl.Expr) -> pl.Expr:
    """Text that no spreadsheet runs, for CSV files that people open.

    An apostrophe goes before anything that begins like a formula (OWASP, "CSV Injection"). A phone
    in E.164 gets one too: Excel would turn it into a rounded number. Plain negative numbers stay.
    :func:`mend_cells` takes the apostrophe back, so a corrected file reads as it was written.
    """
    return pl.when(_is_runnable(text)).then("'" + text).otherwise(text)


def restore_neutral(text: pl.Expr) -> pl.Expr:
    """Text as it was before :func:`neutralize`: its inverse, to the letter."""
    bare = text.str.slice(1)
    return pl.when(text.str.starts_with("'") & _is_runnable(bare)).then(bare).otherwise(text)


def _is_runnable(text: pl.Expr) -> pl.Expr:
    return text.str.contains(_RUNNABLE) & ~text.str.contains(_PLAIN_NEGATIVE)


def _blank_pattern(blanks: Collection[str]) -> str:
    return rf"(?i)^\s*(?:{_any_of(blanks)})?\s*$"


def _any_of(blanks: Collection[str]) -> str:
    return "|".join(re.escape(word.strip()) for word in sorted(blanks))
