"""Phones, emails and times in the forms that are stored and compared."""

from collections.abc import Mapping
from datetime import UTC, datetime

import polars as pl
import pytest

from contracts.registry import load_source, parse_source
from contracts.source import Source
from transforms.admit import admit
from transforms.conform import conform, key_rows, trim_cells
from transforms.normalize import Normalized, compare_emails, normalize

LANDED_AT = datetime(2026, 11, 21, tzinfo=UTC)


def normalized(
    columns: dict[str, list[str | None]],
    source: Source | None = None,
    is_day_first: Mapping[str, bool | None] | None = None,
) -> Normalized:
    rows = len(next(iter(columns.values())))
    position = {
        "line_no": list(range(2, rows + 2)),
        "byte_offset": [0] * rows,
        "byte_length": [0] * rows,
    }
    frame = pl.DataFrame(
        {**position, **columns}, schema_overrides=dict.fromkeys(columns, pl.String)
    )
    contract = source or load_source("generic")
    cells = trim_cells(frame)
    ids = key_rows(cells, contract)["source_record_id"].fill_null("r")
    conformed = conform(cells, contract).with_columns(ids)
    return normalize(conformed, contract, "US", LANDED_AT, is_day_first=is_day_first)


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
        (2, "issue", "phone_too_short", "phones", None, "12"),
        (2, "issue", "email_invalid", "emails", None, "x@y@z"),
        (2, "issue", "time_unreadable", "updated_at", None, "soon"),
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


def test_an_area_code_may_stand_in_another_column() -> None:
    """A contract names it; seven digits alone are no number."""
    contract = parse_source(
        "name: x\nsource_file: file\ncolumns: {phones: Phone}\narea_code: [Area]", "x.yaml"
    )
    columns = {"Phone": ["555-2671", "555-2671"], "Area": ["415", ""]}
    assert normalized(columns, contract).rows["phones"].to_list() == [["+14155552671"], []]


def test_throw_away_addresses_are_left_out_if_the_contract_says_so() -> None:
    """They are kept otherwise."""
    text = "name: x\nsource_file: file\ncolumns: {emails: Email}\n"
    columns = {"Email": ["ann@mailinator.com"]}
    for more, expected in (("", ["ann@mailinator.com"]), ("refuse_disposable: true", [])):
        found = normalized(columns, parse_source(text + more, "x.yaml"))
        assert found.rows["emails"].to_list() == [expected]


def test_dates_are_read_in_the_order_of_the_whole_file() -> None:
    """With 03/04 alone nobody knows; what the file's other dates say decides for all."""
    source = parse_source(
        "name: x\nsource_file: file\ncolumns: {phones: Phone, updated_at: Changed}", "x.yaml"
    )
    columns = {"Phone": ["415-555-2671"], "Changed": ["03/04/2026"]}
    expected = {None: None, True: datetime(2026, 4, 3, tzinfo=UTC)}
    expected[False] = datetime(2026, 3, 4, tzinfo=UTC)
    for order, clock in expected.items():
        found = normalized(columns, source, is_day_first={"updated_at": order})
        assert found.rows["clock"].to_list() == [clock], order


def test_a_clock_a_day_ahead_counts_as_none() -> None:
    """A wrong year must not win against all that comes after."""
    result = normalized(
        {"Phone": ["415-555-2671"] * 2, "updated_at": ["2026-11-21 23:00", "2062-01-01"]}
    )
    assert result.rows["clock"].to_list() == [datetime(2026, 11, 21, 23, tzinfo=UTC), None]
    assert result.issues["code"].to_list() == ["clock_in_future"]


def test_a_last_activity_a_day_ahead_counts_as_none() -> None:
    """It is a time of its own: the row's clock is not touched, nor is it touched by the clock."""
    result = normalized(
        {
            "Phone": ["415-555-2671"] * 3,
            "Last Activity": ["2026-11-21 23:00", "2062-01-01", "soon"],
            "updated_at": ["2026-01-01", "2026-01-02", ""],
        }
    )
    assert result.rows.select("last_activity_at", "clock").rows() == [
        (datetime(2026, 11, 21, 23, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
        (None, datetime(2026, 1, 2, tzinfo=UTC)),
        (None, None),
    ]
    assert result.issues.select("line_no", "code", "field").rows() == [
        (3, "clock_in_future", "last_activity_at"),
        (4, "time_unreadable", "last_activity_at"),
    ]


def test_tags_of_all_columns_are_one_list() -> None:
    """Mended as other cells are; a row without any has an empty list."""
    result = normalized(
        {
            "Phone": ["415-555-2671"] * 4,
            "Tags": ["b, A", "", "#NAME?", "N/A"],
            "Labels": ["B;c", None, "x", "-"],
        }
    )
    assert result.rows["tags"].to_list() == [["A", "b", "c"], [], ["x"], []]
    assert result.issues.select("line_no", "code", "field", "raw").rows() == [
        (4, "cell_excel_error", "tags", "#NAME?")
    ]


def test_the_record_that_another_was_merged_into_is_named_as_its_crm_id() -> None:
    """So that both are found again: of 15 characters or 18, and without a spreadsheet's tail."""
    columns = {
        "Id": ["003D000000QV6vV", "003D000000QV6vVIAT"],
        "MasterRecordId": ["001A0000006Vm9u", "NULL"],
        "IsDeleted": ["true", "false"],
    }
    rows = normalized(columns, load_source("salesforce")).rows
    assert rows.select("crm_id", "merged_into", "is_deleted").rows() == [
        ("003D000000QV6vVIAT", "001A0000006Vm9uIAC", True),
        ("003D000000QV6vVIAT", None, False),
    ]
    rows = normalized({"crm_id": ["7.0"], "merged_into": ["8.0"]}).rows
    assert rows.select("crm_id", "merged_into").row(0) == ("7", "8")


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


def test_a_tombstone_needs_only_the_id_of_its_record() -> None:
    """One that the source gave: what is made of a row's text names no record."""
    deleted = {"id": ["7", "8", "9"], "Phone": [""] * 3, "Deleted": ["yes", "no", "yes"]}
    rows = normalized(deleted).rows
    made = rows.with_columns(
        source_record_id=pl.col("source_record_id").replace(
            "9", "h1_00000000000000000000000000000000"
        )
    )
    admitted = admit(made)
    assert admitted.accepted["source_record_id"].to_list() == ["7"]
    assert admitted.rejected.rows() == [(3, "no_identity"), (4, "no_identity")]


def test_a_fault_of_ours_is_not_blamed_on_the_data() -> None:
    """A phone that is not in E.164 after normalising is a bug, and stops the import."""
    rows = normalized({"Phone": ["415-555-2671"]}).rows.with_columns(phones=[["415"]])
    with pytest.raises(AssertionError, match="our fault"):
        admit(rows)
