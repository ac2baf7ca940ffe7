"""Phones, emails and times in the forms that are stored and compared."""

from datetime import UTC, datetime

import polars as pl
import pytest

from contracts.source import Source, load_source, parse_source
from transforms.admit import admit
from transforms.conform import conform
from transforms.emails import normalize_emails
from transforms.normalize import Normalized, compare_emails, normalize
from transforms.phones import normalize_phones
from transforms.values import parse_times

LANDED_AT = datetime(2026, 11, 21, tzinfo=UTC)


def normalized(columns: dict[str, list[str | None]], source: Source | None = None) -> Normalized:
    rows = len(next(iter(columns.values())))
    position = {
        "line_no": list(range(2, rows + 2)),
        "byte_offset": [0] * rows,
        "byte_length": [0] * rows,
    }
    frame = pl.LazyFrame(
        {**position, **columns}, schema_overrides=dict.fromkeys(columns, pl.String)
    )
    contract = source or load_source("generic")
    conformed = conform(frame, contract).with_columns(pl.col("source_record_id").fill_null("r"))
    return normalize(conformed.collect(), contract, "US", LANDED_AT)


@pytest.mark.parametrize(
    ("value", "region", "e164", "issue"),
    [
        ("(415) 555-2671", "US", "+14155552671", None),
        ("+44 20 7946 0123", "US", "+442079460123", None),
        ("020 7946 0123", "GB", "+442079460123", None),
        ("020 7946 0123", "US", None, "phone_invalid"),
        ("0000000000", "US", None, "phone_invalid"),
        ("555", "US", None, "phone_invalid"),
        ("ask her", "US", None, "phone_invalid"),
        ("", "US", None, None),
        (None, "US", None, None),
    ],
)
def test_phones(value: str | None, region: str, e164: str | None, issue: str | None) -> None:
    """A number is valid in its region or it is an issue; a blank is neither."""
    answer = normalize_phones(pl.Series([value], dtype=pl.String), region)
    assert answer.select("e164", "issue").row(0) == (e164, issue)


@pytest.mark.parametrize(
    ("value", "address", "issue"),
    [
        (" Ann@Example.COM ", "ann@example.com", None),
        ("none@none.com", None, "email_placeholder"),
        ("a@b@c", None, "email_invalid"),
        ("nobody at home", None, "email_invalid"),
        ("", None, None),
        (None, None, None),
    ],
)
def test_emails(value: str | None, address: str | None, issue: str | None) -> None:
    """An address is lower case, or an issue; a blank is neither."""
    answer = normalize_emails(pl.Series([value], dtype=pl.String))
    assert answer.select("address", "issue").row(0) == (address, issue)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01 09:21", datetime(2026, 3, 1, 9, 21, tzinfo=UTC)),
        ("2026-03-01T09:21:05.250+0200", datetime(2026, 3, 1, 7, 21, 5, 250_000, tzinfo=UTC)),
        ("2026-03-01T09:21:05Z", datetime(2026, 3, 1, 9, 21, 5, tzinfo=UTC)),
        ("2026-02-30", None),
        ("yesterday", None),
    ],
)
def test_times(value: str, expected: datetime | None) -> None:
    """ISO 8601 in its usual shapes, in UTC; what is no time is an issue."""
    answer = parse_times(pl.Series([value]))
    assert answer.row(0) == (expected, None if expected else "time_invalid")


def test_times_without_an_offset_are_of_the_contracts_zone() -> None:
    """New York's nine o'clock is two in UTC; an hour that its clocks skipped is no time."""
    answer = parse_times(
        pl.Series(["2026-01-05 09:00", "2026-03-08 02:30"]), (), "America/New_York"
    )
    assert answer["value"].to_list() == [datetime(2026, 1, 5, 14, tzinfo=UTC), None]


def test_all_phones_and_emails_of_a_row_are_kept_each_once() -> None:
    """In the order of the contract's columns, however they are spelt."""
    rows = normalized(
        {
            "Phone": ["415-555-2672", ""],
            "Mobile": ["(415) 555-2671", "+1 415 555 2671"],
            "Cell": ["+14155552672", "junk"],
            "Email": ["B@example.com", ""],
            "Email 2": ["b@example.com", ""],
            "Work Email": ["a@example.com", ""],
        }
    ).rows
    assert rows["phones"].to_list() == [["+14155552672", "+14155552671"], ["+14155552671"]]
    assert rows["emails"].to_list() == [["b@example.com", "a@example.com"], []]


def test_a_damaged_cell_is_null_and_told_and_its_row_survives() -> None:
    """Code, field, line and the text as it came."""
    result = normalized({"Phone": ["12"], "Email": ["x@y@z"], "updated_at": ["soon"]})
    assert result.rows.select("phones", "emails", "clock").row(0) == ([], [], None)
    assert result.issues.rows() == [
        (2, "issue", "phone_invalid", "phones", "12"),
        (2, "issue", "email_invalid", "emails", "x@y@z"),
        (2, "issue", "time_invalid", "updated_at", "soon"),
    ]


def test_the_region_is_the_rows_then_the_sources_then_the_teams() -> None:
    """A country column decides for its row only."""
    numbers = {"Phone": ["020 7946 0123", "415-555-2671"], "Country": ["gb", "Atlantis"]}
    assert normalized(numbers).rows["phones"].to_list() == [["+442079460123"], ["+14155552671"]]
    british = parse_source(
        "name: x\nsource_file: file\nregion: GB\ncolumns: {phones: Phone}", "x.yaml"
    )
    found = normalized({"Phone": ["020 7946 0123"]}, british).rows["phones"].to_list()
    assert found == [["+442079460123"]]


def test_a_clock_a_day_ahead_counts_as_none() -> None:
    """A wrong year must not win against all that comes after."""
    result = normalized(
        {"Phone": ["415-555-2671"] * 2, "updated_at": ["2026-11-21 23:00", "2062-01-01"]}
    )
    assert result.rows["clock"].to_list() == [datetime(2026, 11, 21, 23, tzinfo=UTC), None]
    assert result.issues["code"].to_list() == ["clock_in_future"]


def test_keys_of_stored_addresses_are_found_again() -> None:
    """Lists of addresses give lists of keys, in the same order; an empty list stays empty."""
    addresses = pl.Series([["b@example.com", "a@example.com"], [], ["c@example.com"]])
    assert compare_emails(addresses).to_list() == addresses.to_list()


def test_the_contract_decides_who_is_admitted() -> None:
    """A row without CRM id, phone and email is rejected, and only that one."""
    rows = normalized({"Phone": ["415-555-2671", "12", ""], "crm_id": ["", "", "C1"]}).rows
    admitted = admit(rows)
    assert admitted.accepted["line_no"].to_list() == [2, 4]
    assert admitted.rejected.rows() == [(3, "no_identity")]


def test_a_fault_of_ours_is_not_blamed_on_the_data() -> None:
    """A phone that is not in E.164 after normalising is a bug, and stops the import."""
    rows = normalized({"Phone": ["415-555-2671"]}).rows.with_columns(phones=[["415"]])
    with pytest.raises(AssertionError, match="our fault"):
        admit(rows)
