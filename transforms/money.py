"""Amounts of money, with the sign that means decimals decided by the contract."""

from typing import Literal

import polars as pl
import pycountry

from transforms.columns import compute

SCALE = 6
_AMOUNT = pl.Decimal(38, SCALE)
# ISO 4217 for signs that stand for one currency. `$`, `¥` and `kr` stand for several.
_SIGNS = {
    "US$": "USD", "U$S": "USD", "A$": "AUD", "AU$": "AUD", "C$": "CAD", "CA$": "CAD", "R$": "BRL",
    "NZ$": "NZD", "HK$": "HKD", "S$": "SGD", "MX$": "MXN", "€": "EUR", "£": "GBP", "₹": "INR",
    "₽": "RUB", "₩": "KRW", "₺": "TRY", "₪": "ILS", "₫": "VND", "₱": "PHP", "₦": "NGN", "₴": "UAH",
    "RP": "IDR", "RM": "MYR", "ZŁ": "PLN",
}  # fmt: skip
_SHARED_SIGNS = {
    "$": {"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "ARS", "CLP", "COP", "TWD"},
    "¥": {"JPY", "CNY"},
    "KR": {"SEK", "NOK", "DKK", "ISK"},
}
_SIGN = r"[A-Z]{0,3}\$S?|[€£¥₹₽₩₺₪₫₱₦₴]|RP\.?|RM|ZŁ|KR\.?|[A-Z]{3}"
_SHAPE = (
    rf"^(?P<open>\()?(?P<minus>-)?\s*(?P<before>{_SIGN})?\s*(?P<minus_2>-)?\s*"
    r"(?P<digits>\d[\d.,' ]*?|[.,]\d+)\s*(?P<thousand>K)?\s*"
    rf"(?P<after>{_SIGN})?(?P<minus_3>-)?(?P<close>\))?$"
)
_GROUPED = {
    ".": r"^(?:\d+|[1-9]\d{0,2}(?:[,' ]\d{2,3})*[,' ]\d{3})?(?:\.\d+)?$",
    ",": r"^(?:\d+|[1-9]\d{0,2}(?:[.' ]\d{2,3})*[.' ]\d{3})?(?:,\d+)?$",
}


def parse_money(
    values: pl.Series,
    *,
    decimal: Literal[".", ","] | None = None,
    currency: str | None = None,
) -> pl.DataFrame:
    """Read amounts like ``$1,234.50``, ``1.234,50 €``, ``(500)``, ``USD 250k``.

    Blanks are null without an issue. Nothing is rounded: more than six decimals are unreadable.

    Args:
        values: The cells as text.
        decimal: The decimal sign of the file, from the contract. None: only amounts that have one
            reading are read; ``1,234`` and ``1.234`` are ambiguous.
        currency: ISO 4217 of amounts without a sign, or with a sign that it shares with others
            (``$``). It never overrules another sign.

    Returns:
        Row for row ``amount`` (Decimal with six places), ``currency`` (ISO 4217 or null) and
        ``issue``: ``money_unreadable``, ``money_ambiguous``, or ``money_currency_unknown`` for an
        amount whose sign says no currency that we know.
    """
    text = values.cast(pl.String).str.normalize("NFKC").str.strip_chars().str.to_uppercase()
    text = (
        text.str.replace_all("[−–]", "-").str.replace_all("[’`]", "'").str.replace_all(r"\s", " ")
    )
    parts = pl.DataFrame({"text": text}).with_columns(
        pl.col("text").str.extract_groups(_SHAPE).alias("parts")
    )
    parts = parts.unnest("parts").with_columns(pl.col("digits").str.strip_chars())
    parts = parts.with_columns(has_point=_fits("."), has_comma=_fits(","))
    parts = parts.with_columns(point=_number("."), comma=_number(","))
    minuses = [pl.col(name).is_not_null() for name in ("open", "minus", "minus_2", "minus_3")]
    is_sound = (
        (pl.col("open").is_null() == pl.col("close").is_null())
        & (pl.sum_horizontal(minuses) <= 1)
        & (pl.col("before").is_null() | pl.col("after").is_null())
    )
    magnitude = (
        pl.coalesce("point", "comma")
        if decimal is None
        else pl.col("point" if decimal == "." else "comma")
    )
    is_ambiguous = (
        (pl.col("point") != pl.col("comma")).fill_null(False) if decimal is None else pl.lit(False)
    )
    factor = pl.when(pl.col("thousand").is_not_null()).then(1000).otherwise(1)
    sign = pl.when(pl.any_horizontal(minuses)).then(-1).otherwise(1)
    read = parts.select(
        "text",
        is_ambiguous=is_sound & is_ambiguous,
        amount=pl.when(is_sound & ~is_ambiguous).then((magnitude * factor * sign).cast(_AMOUNT)),
        mark=pl.coalesce("before", "after").str.strip_chars_end("."),
    )
    found = pl.lit(_read_marks(read["mark"]))
    shared = [mark for mark, codes in _SHARED_SIGNS.items() if currency in codes]
    default = pl.when(pl.col("mark").is_null() | pl.col("mark").is_in(shared)).then(
        pl.lit(currency, pl.String)
    )
    has_amount = pl.col("amount").is_not_null()
    return read.select(
        "amount",
        currency=pl.when(has_amount).then(pl.coalesce(found, default)),
        issue=pl.when("is_ambiguous")
        .then(pl.lit("money_ambiguous"))
        .when(~has_amount & (pl.col("text") != ""))
        .then(pl.lit("money_unreadable"))
        .when(pl.col("mark").is_not_null() & pl.coalesce(found, default).is_null())
        .then(pl.lit("money_currency_unknown")),
    )


def _fits(decimal: str) -> pl.Expr:
    return pl.col("digits").str.contains(_GROUPED[decimal])


def _number(decimal: str) -> pl.Expr:
    """The digits as a number, with one sign for decimals and all others for groups."""
    plain = (
        pl.col("digits")
        .str.replace_all(rf"[^\d{decimal}]", "")
        .str.replace(decimal, ".", literal=True)
    )
    is_short = ~plain.str.contains(rf"\.\d{{{SCALE + 1},}}$") & (plain.str.len_chars() <= 24)
    fits = pl.col("has_point" if decimal == "." else "has_comma")
    return pl.when(fits & is_short).then(plain).cast(_AMOUNT, strict=False)


def _read_marks(marks: pl.Series) -> pl.Series:
    codes = {each.alpha_3: each.alpha_3 for each in pycountry.currencies}
    return compute(
        pl.lit(marks).replace_strict(codes | _SIGNS, default=None, return_dtype=pl.String)
    )
