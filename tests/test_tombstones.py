"""Whether a source says that it deleted a record."""

import polars as pl
import pytest

from contracts.source_rules import DeletedRule
from transforms.tombstones import read_deleted

BLANKS = ("", "-", "n/a")


def deleted(cells: list[list[str]], rule: DeletedRule | None) -> list[bool]:
    return read_deleted(pl.Series(cells, dtype=pl.List(pl.String)), rule, BLANKS).to_list()


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        *(
            ("true", True),
            ("TRUE", True),
            ("Yes", True),
            ("1", True),
            ("1.0", True),
            ("'TRUE", True),
        ),
        *(("false", False), ("0", False), ("n/a", False), ("maybe", False), ("deleted", False)),
    ],
)
def test_only_a_known_yes_deletes(word: str, expected: bool) -> None:
    """In any case, and whatever a spreadsheet did to it; any other word says that it is there."""
    assert deleted([[word]], DeletedRule(columns=("Deleted",))) == [expected]


def test_a_row_is_deleted_if_any_of_its_columns_says_so() -> None:
    """All columns count; a blank row, and a contract without a rule, say no."""
    rows = [["false", "true"], ["no"], [], ["yes", "no"]]
    assert deleted(rows, DeletedRule(columns=("a", "b"))) == [True, False, False, True]
    assert deleted(rows, None) == [False] * 4
    assert deleted([], DeletedRule(columns=("a",))) == []


def test_events_and_times_delete_where_the_rule_says_so() -> None:
    """A type of event is a word like any other; a star takes any text, as of a time."""
    events = DeletedRule(columns=("event",), yes=("contact.deletion",))
    assert deleted([["Contact.Deletion"], ["contact.creation"]], events) == [True, False]
    times = DeletedRule(columns=("Deleted At",), yes=("*",))
    assert deleted([["2026-01-31"], ["-"], []], times) == [True, False, False]
