"""What `phonenumbers` says of a column of phone numbers, at the speed of a column.

Numbers of plain shape, which are nearly all, are turned into integers and looked up in
`phone_tables`. Whatever those cannot decide goes to `phonenumbers` itself, once per distinct
value. Either way the answer is the library's, for invalid numbers too.
"""

import phonenumbers
import polars as pl
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from transforms.phones import rules, tables
from transforms.phones.metadata import is_supported

ANSWER_SCHEMA = pl.Schema(
    {
        "e164": pl.String,
        "extension": pl.String,
        "region": pl.String,
        "kind": pl.String,
        "is_valid": pl.Boolean,
        "error": pl.String,
        "is_fast": pl.Boolean,
    }
)

NO_COUNTRY = "INVALID_COUNTRY_CODE"
"""The library's error for a number without a plus in no region that it knows."""

# Patterns of many regions push each other out of the cache of `re`, which doubles the time of a
# call; the library offers one of its own, bounded by its metadata.
phonenumbers.enable_pattern_cache()

_ERRORS = {
    number: name
    for name, number in vars(NumberParseException).items()
    if name.isupper() and isinstance(number, int)
}

_LONGEST_INPUT = 250
_SEPARATORS = [" ", "-", "(", ")", ".", "/"]
_POWERS = pl.Series("power", [10**exponent for exponent in range(19)], dtype=pl.Int64)

# The second look: text before the number, separators that are not ASCII, an extension, closing
# punctuation. Left out is what means something else to the library: `;` (parameters), `~` and `,`
# (extensions), `x` and letters in the number (vanity), a slash before an extension (two numbers).
_OTHER_SEPARATORS = [*"\u00a0\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc\uff0d\u3000\u2060[]"]
_SHAPE = (
    r"^[\p{L}\p{M}\p{P}\p{S}\p{Zs}\p{Cf}\t&&[^;+\u{FF0B}]]*"
    r"(\+?[0-9][0-9 ().\-" + "".join(rf"\u{{{ord(c):x}}}" for c in _OTHER_SEPARATORS) + r"]*?)"
    r"(?:[ \t,]*(?:(?:[eE]?[xX][tT][nN]?|[eE]xtension|EXTENSION)[:.]?[ \t]*|[xX][:.]? *|#)"
    r"([0-9]{1,6}))?"
    r"[ .,:!?)\"'\t\n\r\p{Cf}]*$"
)


def ask_library(values: pl.Series, regions: pl.Series | str | None) -> pl.DataFrame:
    """Parse, validate, format and classify phone numbers as `phonenumbers` does.

    Args:
        values: Text, as it stands. Null is no number.
        regions: The default region, of each value or of all, as the library takes it; null for
            none.

    Returns:
        Row for row: `e164` (also of invalid numbers; null if it does not parse), `extension`,
        `region` (`region_code_for_number`), `kind` (`number_type`, lower case), `is_valid`,
        `error` (the name of the `NumberParseException`) and `is_fast`, whether the tables
        answered.
    """
    answers, _ = ask_tables(values, regions)
    slow = (~answers["is_fast"] & values.is_not_null()).arg_true()
    if slow.is_empty():
        return answers
    default = regions.gather(slow) if isinstance(regions, pl.Series) else regions
    asked = ask_parser(values.gather(slow), default)
    return pl.DataFrame(
        [answers[name].scatter(slow, asked[name]) for name in ANSWER_SCHEMA.names()]
    )


def ask_tables(
    values: pl.Series, regions: pl.Series | str | None
) -> tuple[pl.DataFrame, pl.Series]:
    """The part of `ask_library` that needs no Python per value.

    Returns:
        The same columns, null where `is_fast` is false, and the E.164 digits as integers.
    """
    number = pl.Series("number", [None], dtype=pl.Int64).new_from_index(0, len(values))
    extension = pl.Series("extension", [None], dtype=pl.String).new_from_index(0, len(values))
    error = pl.Series("error", [None], dtype=pl.String).new_from_index(0, len(values))

    plain = _read_plain(values)
    again = (plain["key"].is_null() & values.is_not_null()).arg_true()
    if len(again):
        shaped = values.gather(again).str.extract_groups(_SHAPE).struct.unnest()
        spaces = [" "] * len(_OTHER_SEPARATORS)
        second = _read_plain(shaped.to_series(0).str.replace_many(_OTHER_SEPARATORS, spaces))
        plain = pl.DataFrame([plain[name].scatter(again, second[name]) for name in plain.columns])
        extension = extension.scatter(again, shaped.to_series(1))

    is_plain = plain["key"].is_not_null()
    abroad = [(plain["is_international"] & is_plain).arg_true()]
    abroad_keys = [plain["key"].gather(abroad[0])]
    for region, index in _by_region(regions, ~plain["is_international"] & is_plain):
        if region is None or not is_supported(region):
            error = error.scatter(index, NO_COUNTRY)
            continue
        keys = plain["key"].gather(index)
        found = tables.national_table(region).look_up(keys)
        result = keys % found.modulus + found.base
        is_number = found.code == rules.NUMBER
        number = number.scatter(index.filter(is_number), result.filter(is_number))
        is_abroad = found.code == rules.INTERNATIONAL
        abroad.append(index.filter(is_abroad))
        abroad_keys.append(result.filter(is_abroad))
    index, keys = pl.concat(abroad), pl.concat(abroad_keys)
    found = tables.international_table().look_up(keys)
    is_number = found.code == rules.NUMBER
    result = keys % found.modulus + found.base
    number = number.scatter(index.filter(is_number), result.filter(is_number))
    return _as_answers(number, extension, error), number


def _as_answers(number: pl.Series, extension: pl.Series, error: pl.Series) -> pl.DataFrame:
    """Look up what is known of the numbers; null where the tables have no answer."""
    known = number.is_not_null().arg_true()
    table = tables.answer_table()
    answer = pl.Series("answer", [None], dtype=pl.Int32).new_from_index(0, len(number))
    found = table.look_up(number.gather(known))
    answer = answer.scatter(known, found.set(found < 0, None))
    of_answer = {column.name: column.gather(answer) for column in table.answers()}
    return pl.DataFrame({"number": number, "extension": extension, "error": error}).select(
        e164=pl.when(answer.is_not_null()).then(pl.format("+{}", "number")),
        extension=pl.when(answer.is_not_null()).then("extension"),
        region=of_answer["region"],
        kind=of_answer["kind"],
        is_valid=of_answer["is_valid"].fill_null(False),
        error="error",
        is_fast=answer.is_not_null() | error.is_not_null(),
    )


def _read_plain(values: pl.Series) -> pl.DataFrame:
    """Read values that are digits and ASCII separators, with or without a plus before them.

    Returns:
        `key`, the digits as an integer behind a 1, null if the value is anything else, and
        `is_international`.
    """
    text = values.str.replace_many(_SEPARATORS, [""] * len(_SEPARATORS))
    is_international = text.str.starts_with("+").fill_null(False)
    digits = text.str.strip_prefix("+")
    length = digits.str.len_bytes()
    is_plain = (
        # A second plus would pass the cast as a sign.
        ~digits.str.starts_with("+")
        & length.is_between(rules.SHORTEST_DIGITS, rules.LONGEST_DIGITS)
        & (values.str.len_bytes() <= _LONGEST_INPUT)
    )
    key = digits.cast(pl.Int64, strict=False) + _POWERS.gather(length.clip(0, 18))
    return pl.DataFrame(
        {"key": key.set(~is_plain.fill_null(False), None), "is_international": is_international}
    )


def _by_region(
    regions: pl.Series | str | None, is_wanted: pl.Series
) -> list[tuple[str | None, pl.Series]]:
    """Indexes of the wanted rows, by default region."""
    wanted = is_wanted.arg_true()
    if wanted.is_empty():
        return []
    if not isinstance(regions, pl.Series):
        return [(regions, wanted)]
    grouped = pl.DataFrame({"default": regions.gather(wanted), "index": wanted})
    parts = grouped.group_by("default").agg("index")
    return list(zip(parts["default"], parts["index"], strict=True))


def ask_parser(values: pl.Series, regions: pl.Series | str | None) -> pl.DataFrame:
    """As `ask_library`, without the tables: once per distinct value and region. No nulls."""
    rows = pl.DataFrame(
        {"value": values, "default": regions}, schema={"value": pl.String, "default": pl.String}
    )
    distinct = rows.unique(maintain_order=True)
    answers = [parse_one(value, default) for value, default in distinct.iter_rows()]
    found = pl.DataFrame(answers, schema=ANSWER_SCHEMA, orient="row")
    return rows.join(
        pl.concat([distinct, found], how="horizontal"),
        on=["value", "default"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    ).select(ANSWER_SCHEMA.names())


Answered = tuple[str | None, str | None, str | None, str | None, bool, str | None, bool]


def parse_one(value: str, default: str | None) -> Answered:
    """The library's own answer for one value, as a row of `ask_library`."""
    try:
        number = phonenumbers.parse(value, default)
    except NumberParseException as error:
        return None, None, None, None, False, _ERRORS[error.error_type], False
    kind = phonenumbers.number_type(number)
    return (
        phonenumbers.format_number(number, PhoneNumberFormat.E164),
        number.extension,
        phonenumbers.region_code_for_number(number),
        PhoneNumberType.to_string(kind).lower(),
        phonenumbers.is_valid_number(number),
        None,
        False,
    )
