"""Named fields -> comparable values: one pass over a chunk of conformed rows."""

from datetime import datetime, timedelta
from typing import NamedTuple

import polars as pl

from contracts.people import TEXTS
from contracts.source import Source
from transforms.emails import normalize_emails
from transforms.phones import normalize_phones
from transforms.values import parse_times

ISSUE_SCHEMA = {
    "line_no": pl.Int64,
    "severity": pl.String,
    "code": pl.String,
    "field": pl.String,
    "raw": pl.String,
}
"""One row per damaged cell: the cell's text as it came."""


class Normalized(NamedTuple):
    """A chunk of rows in comparable form.

    Attributes:
        rows: Columns of ``contracts.people.StagedPerson``, the texts and ``extra``.
        issues: Columns of ``ISSUE_SCHEMA``.
    """

    rows: pl.DataFrame
    issues: pl.DataFrame


def normalize(
    conformed: pl.DataFrame, source: Source, team_region: str, landed_at: datetime
) -> Normalized:
    """Bring phones, emails and times into the forms that are stored and compared.

    Args:
        conformed: Rows of ``transforms.conform.conform``.
        source: The contract they came by.
        team_region: Region of phones where neither number, row nor source tells one.
        landed_at: When the file was taken in; a clock a day beyond it counts as none.

    Returns:
        As many rows as came, in their order, and the damaged cells.
    """
    default = source.region or team_region
    country = pl.col("country").str.to_uppercase()
    region = pl.when(country.str.contains("^[A-Z]{2}$")).then(country).otherwise(pl.lit(default))
    phones, phone_issues = _phones(conformed.select("line_no", "phones", region=region))
    emails, email_issues = _emails(conformed.select("line_no", "emails"))
    clock, clock_issues = _clock(conformed, source, landed_at)
    rows = (
        conformed.select("line_no", "source_record_id", "crm_id", *TEXTS, "extra")
        .join(phones, on="line_no", how="left", maintain_order="left")
        .join(emails, on="line_no", how="left", maintain_order="left")
        .with_columns(pl.col("phones", "emails", "email_keys").fill_null([]), clock=clock)
    )
    return Normalized(rows, pl.concat([phone_issues, email_issues, clock_issues]))


def _phones(cells: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """All numbers of a row as one list, each once, the first written first."""
    long = cells.explode("phones", empty_as_null=False).rename({"phones": "raw"})
    read = long.hstack(
        normalize_phones(long["raw"], long["region"]).select("e164", "issue", "others")
    )
    numbers = (
        read.select("line_no", phones=pl.concat_list("e164", "others"))
        .explode("phones")
        .drop_nulls()
        .group_by("line_no", maintain_order=True)
        .agg(pl.col("phones").unique(maintain_order=True))
    )
    return numbers, _issues(read, "phones")


def _emails(cells: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """All addresses of a row as one list, each once by its key, the first written first."""
    long = cells.explode("emails", empty_as_null=False).rename({"emails": "raw"})
    read = long.hstack(normalize_emails(long["raw"]))
    addresses = (
        read.select("line_no", emails="address", email_keys="key")
        .drop_nulls()
        .unique(["line_no", "email_keys"], keep="first", maintain_order=True)
        .group_by("line_no", maintain_order=True)
        .agg("emails", "email_keys")
    )
    return addresses, _issues(read, "emails")


def compare_emails(addresses: pl.Series) -> pl.Series:
    """The comparable forms of lists of stored addresses, in the same order."""
    long = pl.DataFrame({"row": range(len(addresses)), "address": addresses}).explode(
        "address", empty_as_null=False
    )
    keys = (
        long.with_columns(key=normalize_emails(long["address"])["key"])
        .group_by("row", maintain_order=True)
        .agg("key")
    )
    rows = pl.DataFrame({"row": range(len(addresses))})
    return rows.join(keys, on="row", how="left", maintain_order="left")["key"].fill_null([])


def _clock(
    conformed: pl.DataFrame, source: Source, landed_at: datetime
) -> tuple[pl.Series, pl.DataFrame]:
    """When the source last changed each record; null where it does not say, or cannot be right."""
    rule = source.columns.get("updated_at")
    formats, timezone = (rule.formats, rule.timezone) if rule else ((), "UTC")
    raw = conformed["updated_at"]
    read = conformed.select("line_no", raw=raw).hstack(parse_times(raw, formats, timezone))
    read = read.with_columns(is_ahead=pl.col("value") > landed_at + timedelta(days=1)).with_columns(
        value=pl.when(~pl.col("is_ahead").fill_null(value=False)).then("value"),
        issue=pl.when("is_ahead").then(pl.lit("clock_in_future")).otherwise("issue"),
    )
    return read["value"].alias("clock"), _issues(read, "updated_at")


def _issues(read: pl.DataFrame, field: str) -> pl.DataFrame:
    return read.filter(pl.col("issue").is_not_null()).select(
        pl.col("line_no").cast(pl.Int64),
        severity=pl.lit("issue"),
        code="issue",
        field=pl.lit(field),
        raw="raw",
    )
