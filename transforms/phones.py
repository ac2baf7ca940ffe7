"""Phone numbers in E.164, as ``phonenumbers`` reads them."""

import phonenumbers
import polars as pl

_PLACEHOLDER_DIGITS = frozenset(digit * 7 for digit in "0123456789")

SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "e164": pl.String,
    "extension": pl.String,
    "region": pl.String,
    "is_valid": pl.Boolean,
    "issue": pl.String,
    "others": pl.List(pl.String),
}


def normalize_phones(values: pl.Series, regions: pl.Series | str) -> pl.DataFrame:
    """Read phone numbers, each distinct value once.

    Args:
        values: Phone numbers as written. Null and blank give null and no issue.
        regions: The region (ISO 3166 alpha-2) of numbers without ``+``, by row or for all.

    Returns:
        Row for row: ``e164`` (null unless valid), ``extension``, ``region``, ``is_valid``,
        ``issue`` (phone_invalid, phone_placeholder) and ``others`` (further numbers of the cell).
    """
    region = regions if isinstance(regions, pl.Series) else pl.lit(regions)
    frame = pl.DataFrame({"value": values}).with_columns(region.alias("default_region"))
    distinct = frame.unique(maintain_order=True)
    answers = pl.DataFrame(
        [_read(value, region) for value, region in distinct.iter_rows()], SCHEMA, orient="row"
    )
    return frame.join(
        distinct.hstack(answers),
        on=["value", "default_region"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    ).select(*SCHEMA)


def _read(
    value: str | None, region: str
) -> tuple[str | None, str | None, str | None, bool, str | None, list[str]]:
    if value is None or not value.strip():
        return None, None, None, False, None, []
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None, None, None, False, "phone_invalid", []
    if str(number.national_number)[-7:] in _PLACEHOLDER_DIGITS:
        return None, None, None, False, "phone_placeholder", []
    if not phonenumbers.is_valid_number(number):
        return None, None, None, False, "phone_invalid", []
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    found = phonenumbers.region_code_for_number(number)
    return e164, number.extension, found, True, None, []
