"""The ways to read the text of a phone cell, in the order in which they are believed.

The library's own reading comes first, but for words behind a number, which it would dial. The
others are the forms that it does not know. A reading counts only if the library calls it valid,
and none of them chooses a country: that is written in the number or comes with its row.
"""

from functools import lru_cache
from typing import NamedTuple

import phonenumbers
import polars as pl

from contracts.people import E164_DIGITS
from transforms.phones import cells
from transforms.phones.library import NO_COUNTRY, ask_library, ask_parser
from transforms.phones.metadata import calling_codes, length_verdict, main_metadata
from transforms.phones.rules import LONGEST_DIGITS

RETIRED_PREFIXES = {"521": "52"}
"""Country code and mobile token -> country code. Mexico dropped the 1 behind +52 on 3 August 2019
(Instituto Federal de Telecomunicaciones, Plan Tecnico Fundamental de Numeracion); the library
followed in 2020 and has since called such numbers invalid, but address books still hold them."""

_RUNS = ("01234567890123456789", "12345678901234567890", "98765432109876543210")
_SHORTEST_COUNT = 10
_LONGEST_FILLER = 15


@lru_cache(maxsize=1)
def placeholder_digits() -> list[str]:
    """Digits that people type to fill a field: one digit repeated, or counted up or down."""
    lengths = range(cells.FEWEST_DIGITS, _LONGEST_FILLER + 1)
    repeated = [digit * length for digit in "0123456789" for length in lengths]
    return repeated + [run[:length] for run in _RUNS for length in lengths]


@lru_cache(maxsize=1)
def placeholder_numbers() -> pl.Series:
    """The E.164 digits, as integers, of placeholders behind every calling code.

    A count is one from ten digits on: +60 12-345 6789 is somebody's mobile.
    """
    fillers = [d for d in placeholder_digits() if len(set(d)) == 1 or len(d) >= _SHORTEST_COUNT]
    found = (int(f"{code}{digits}") for code in calling_codes() for digits in fillers)
    return pl.Series(sorted({number for number in found if number < 10**LONGEST_DIGITS}))


class Way(NamedTuple):
    """A way to read a text: what to ask the library for, null where the way does not apply."""

    reading: pl.Expr
    repair: str | None = None
    needs_extension: bool = False
    is_reported: bool = False
    """Whether the library's verdict on this reading tells why the text is no number."""


_FEW_READINGS = 200
"""To ask the library for so many takes no longer than to look anything up in the tables."""

READ_COLUMNS = ("e164", "extension", "region", "kind", "is_valid", "issue", "repair")


def read_texts(texts: pl.DataFrame) -> pl.DataFrame:
    """Read each text as one number.

    Args:
        texts: `text` (not null), `region` (a code that the library knows, or null), `area` (an
            area code from elsewhere, or null) and `raw` (the cell as it stands, where that may
            be read if the text may not, else null).

    Returns:
        `READ_COLUMNS`, row for row: the answer, null unless valid; `issue` where it is not; and
        `repair`, the form that was read if it was not the library's own.
    """
    pending = texts = _described(texts.with_row_index("at"))
    asked: list[pl.DataFrame] = []
    best: list[pl.DataFrame] = []
    # The later ways are for the few texts that the first ones leave, and cost the most.
    for ways in _ways():
        if pending.is_empty() and best:
            break
        readings = _ask(pending, ways)
        # The extension tells a label behind it from one in its place, which `head` is for.
        needing = [rank for rank, way in enumerate(ways) if way.needs_extension]
        is_believed = ~pl.col("rank").is_in(needing) | pl.col("extension").is_not_null()
        asked.append(readings)
        best.append(
            readings.filter(pl.col("is_valid") & is_believed & ~pl.col("is_filler")).unique(
                "at", keep="first", maintain_order=True
            )
        )
        pending = pending.join(best[-1], on="at", how="anti", maintain_order="left")
    told = pl.concat(asked).filter("is_reported").join(pending, on="at", how="semi")
    # A placeholder explains more than the other ways to fail.
    told = told.sort("at", ~pl.col("is_filler"), maintain_order=True)
    told = told.unique("at", keep="first", maintain_order=True)
    return (
        texts.select("at")
        .join(pl.concat(best), on="at", how="left", maintain_order="left")
        .join(told.select("at", issue=_issue(told)), on="at", how="left", maintain_order="left")
        .with_columns(is_valid=pl.col("e164").is_not_null())
        .select(READ_COLUMNS)
    )


def _ask(texts: pl.DataFrame, ways: list[Way]) -> pl.DataFrame:
    """Read the texts in each way that applies: a row for each, in the order of the ways."""
    readings = pl.concat(
        texts.select(
            "at",
            "has_plus",
            default="region",
            reading=way.reading,
            rank=pl.lit(rank),
            is_reported=pl.lit(way.is_reported),
            repair=pl.lit(way.repair, dtype=pl.String),
        ).drop_nulls("reading")
        for rank, way in enumerate(ways)
    )
    ask = ask_parser if len(readings) <= _FEW_READINGS else ask_library
    answers = ask(readings["reading"], readings["default"])
    return (
        readings.hstack(answers)
        .with_columns(
            is_valid=pl.col("is_valid") & ~_is_over_e164().fill_null(False),
            is_filler=_is_placeholder(),
        )
        .sort("at", "rank")
    )


def _described(texts: pl.DataFrame) -> pl.DataFrame:
    """Add what the ways look at: `body` is the text up to words that may be a label."""
    head_digits = cells.digits(pl.col("head")).str.len_bytes()
    body = (
        pl.when(pl.col("head").is_null())
        .then("text")
        .when(head_digits >= cells.FEWEST_DIGITS)
        .then("head")
    )
    return (
        texts.with_columns(
            head=cells.head(pl.col("text")),
            has_plus=pl.col("text").str.contains(r"^[^0-9]*\+"),
            code=pl.col("region").replace_strict(
                _codes_by_region(), default=None, return_dtype=pl.String
            ),
        )
        .with_columns(body=body)
        .with_columns(digits=cells.digits(pl.col("body")))
    )


def _ways() -> tuple[list[Way], list[Way]]:
    text, digits, code = pl.col("text"), pl.col("digits"), pl.col("code")
    plus = pl.lit("+")
    has_label = pl.col("head").is_not_null()
    cut = cells.up_to_last_digit(text)
    may_extend = has_label & cut.str.contains(r"[0-9].*[\p{L}#,;~].*[0-9]")
    is_bare = ~pl.col("has_plus") & pl.col("body").is_not_null()
    is_coded = is_bare & digits.str.starts_with(code)
    is_abroad = is_bare & digits.str.starts_with("00")
    after_011 = digits.str.slice(3)
    # 011 is a plus in North America, where the library knows it, and may be part of a number
    # elsewhere: there only before the row's own country code.
    is_011 = is_bare & digits.str.starts_with("011") & after_011.str.starts_with(code)
    written = pl.when(is_abroad).then(digits.str.slice(2)).otherwise(digits)
    is_whole = pl.col("has_plus") | is_abroad | is_coded
    area = cells.digits(pl.col("area"))
    first = [
        # Words behind a number are a label if they follow an extension or a whole number;
        # in 1-800-FLOWERS they follow neither.
        Way(pl.when(may_extend).then(text), needs_extension=True),
        Way(pl.when(may_extend).then(cut), "phone_label_dropped", needs_extension=True),
        Way(
            pl.when(has_label & pl.col("body").is_not_null()).then("body"),
            "phone_label_dropped",
            is_reported=True,
        ),
        Way(pl.when(~has_label).then(text), is_reported=True),
    ]
    second = [
        Way(pl.when(has_label).then(text), is_reported=True),
        Way(pl.when(is_abroad).then(plus + written), "phone_international_prefix"),
        Way(pl.when(is_011).then(plus + after_011), "phone_international_prefix"),
        Way(pl.when(is_coded).then(plus + digits), "phone_country_code_bare"),
        *(
            Way(
                pl.when(is_whole & written.str.starts_with(retired)).then(
                    pl.lit(f"+{current}") + written.str.slice(len(retired))
                ),
                "phone_retired_prefix",
            )
            for retired, current in RETIRED_PREFIXES.items()
        ),
        Way(pl.when(is_bare).then(area + digits), "phone_area_code_added"),
        Way(pl.col("raw")),
    ]
    return first, second


@lru_cache(maxsize=1)
def _codes_by_region() -> dict[str, str]:
    # The library's own answer has it load what it knows of each region.
    return {
        region: str(code)
        for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
        for region in regions
        if region in phonenumbers.SUPPORTED_REGIONS
    }


def _is_over_e164() -> pl.Expr:
    """Whether a number has more digits than E.164 allows; the library calls some German ones valid.

    They are local extensions of the plan, which nobody can dial from abroad.
    """
    return pl.col("e164").str.len_bytes() > len("+") + E164_DIGITS


def _is_placeholder() -> pl.Expr:
    number = pl.col("e164").str.slice(1).cast(pl.Int64, strict=False)
    return number.is_in(placeholder_numbers().implode()).fill_null(False)


_ISSUES_BY_ERROR = {
    "NOT_A_NUMBER": "phone_not_a_number",
    "INVALID_COUNTRY_CODE": "phone_unknown_country_code",
    "TOO_SHORT_AFTER_IDD": "phone_too_short",
    "TOO_SHORT_NSN": "phone_too_short",
    "TOO_LONG": "phone_too_long",
}
_ISSUES_BY_LENGTH = {
    "short": "phone_too_short",
    "local": "phone_no_area_code",
    "long": "phone_too_long",
}


def _issue(answers: pl.DataFrame) -> pl.Series:
    """Why the library has no valid number, as an issue code."""
    codes = "|".join(str(code) for code in calling_codes())
    split = answers["e164"].str.extract_groups(rf"^\+({codes})([0-9]*)$").struct.unnest()
    code = split.to_series(0).cast(pl.Int32)
    length = split.to_series(1).str.len_bytes()
    lengths = pl.DataFrame({"code": code, "length": length})
    known = lengths.drop_nulls().unique()
    verdicts = [
        _ISSUES_BY_LENGTH.get(length_verdict(main_metadata(code), length), "phone_invalid")
        for code, length in known.iter_rows()
    ]
    by_length = lengths.join(
        known.with_columns(issue=pl.Series(verdicts, dtype=pl.String)),
        on=["code", "length"],
        how="left",
        maintain_order="left",
    )["issue"]
    as_written = cells.digits(pl.col("reading"))
    return answers.select(
        issue=pl.when(pl.col("is_filler") | as_written.is_in(placeholder_digits()))
        .then(pl.lit("phone_placeholder"))
        .when((pl.col("error") == NO_COUNTRY) & ~pl.col("has_plus") & pl.col("default").is_null())
        .then(pl.lit("phone_no_country"))
        .when(pl.col("error").is_not_null())
        .then(pl.col("error").replace_strict(_ISSUES_BY_ERROR, default="phone_not_a_number"))
        .when(_is_over_e164())
        .then(pl.lit("phone_too_long"))
        .otherwise(by_length)
    ).to_series()
