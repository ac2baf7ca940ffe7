"""Where a text speaks of somebody."""

import polars as pl
import pytest

from transforms.traces import Traces, guess_phones, list_numbers

ANN = Traces(
    phones=frozenset({"+14155552671", "+4930123456"}),
    emails=frozenset({"annlee@gmail.com", "o'neil@example.com"}),
    ids=frozenset({"persona_01ABC"}),
    record_ids=frozenset({"7", "CRM-9"}),
    names=frozenset({("ann", "lee")}),
)


@pytest.mark.parametrize(
    "text",
    [
        "+14155552671",
        "call (415) 555-2671 now",
        "1.415.555.2671",
        "001 415 555 2671",
        "011-1-415-555-2671",
        "415\u2011555\u20112671",
        "415 555 2671 x12",
        "4155552671.0",
        "4.155552671E9",
        "\uff14\uff11\uff15 555 2671",
        "٤١٥٥٥٥٢٦٧١",
        "415\u200b5552671",
        "030 123456",
        "+49 (0)30 123456",
        "Ann.Lee+x@GoogleMail.com",
        "<mailto:annlee@gmail.com>",
        "'o'neil@example.com'",
        "ANNLEE@GMAIL.COM.",
        '{"id": "persona_01ABC"}',
        "7,Ann,Lee",
        "Lee, Ann (crm-9)",
    ],
)
def test_every_spelling_is_found(text: str) -> None:
    """Phones by their digits, emails by their mailbox, ids, and a name beside a record's id."""
    assert ANN.is_in(text)
    assert ANN.find(pl.Series([None, text, ""])).to_list() == [False, True, False]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ann Lee",
        "7",
        "17,Ann,Lee",
        "7,Annie,Lee",
        "415-555-2672",
        "30123457",
        "123456",
        "ann@gmail.com.example.org",
        "joannlee@gmail.com",
        "persona_01AB",
    ],
)
def test_others_are_not(text: str) -> None:
    """A name alone is nobody, nor is an id, nor what is only like a value."""
    assert not ANN.is_in(text)


def test_nobody_is_in_no_text() -> None:
    """Without anything to look for, nothing is found."""
    assert Traces().find(pl.Series(["415-555-2671", None])).to_list() == [False, False]


@pytest.mark.parametrize(
    ("text", "region", "phone"),
    [
        ("(415) 555-2671", "US", "+14155552671"),
        ("+1 415 555 2671", "DE", "+14155552671"),
        ("030/123456", "DE", "+4930123456"),
        ("0049 30 123456", "GB", "+4930123456"),
        ("011 1 415 555 2671", "US", "+14155552671"),
        ("+49 (0)30 123456", "DE", "+4930123456"),
    ],
)
def test_a_number_in_a_text_is_guessed_in_all_its_readings(
    text: str, region: str, phone: str
) -> None:
    """So that its hash is known again."""
    (digits,) = list_numbers(text)
    assert phone in guess_phones(digits, region)
