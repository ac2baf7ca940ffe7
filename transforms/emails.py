"""Email addresses: as stored, and in the form that is compared."""

import polars as pl
from email_validator import EmailNotValidError, validate_email

SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "address": pl.String,
    "key": pl.String,
    "issue": pl.String,
    "others": pl.List(pl.String),
}

_PLACEHOLDERS = frozenset(("test@test.com", "none@none.com", "no@email.com", "noemail@noemail.com"))


def normalize_emails(values: pl.Series) -> pl.DataFrame:
    """Read email addresses, each distinct value once.

    Args:
        values: Addresses as written. Null and blank give null and no issue.

    Returns:
        Row for row: ``address`` (lower case; null unless valid), ``key`` (what claims compare),
        ``issue`` (email_invalid, email_placeholder) and ``others`` (further addresses of the cell).
    """
    frame = pl.DataFrame({"value": values})
    distinct = frame.unique(maintain_order=True)
    answers = pl.DataFrame(
        [_read(value) for (value,) in distinct.iter_rows()], SCHEMA, orient="row"
    )
    return frame.join(
        distinct.hstack(answers), on="value", how="left", nulls_equal=True, maintain_order="left"
    ).select(*SCHEMA)


def _read(value: str | None) -> tuple[str | None, str | None, str | None, list[str]]:
    if value is None or not value.strip():
        return None, None, None, []
    try:
        # Domains reserved for examples (RFC 2606) are what samples and tests are made of.
        found = validate_email(value.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None, None, "email_invalid", []
    address = found.normalized.lower()
    if address in _PLACEHOLDERS:
        return None, None, "email_placeholder", []
    return address, address, None, []
