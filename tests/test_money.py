"""Amounts: one reading or none."""

from decimal import Decimal
from typing import Literal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.issues import ISSUES
from transforms.values import parse_money

Sign = Literal[".", ","]


def read(
    text: str | None, decimal: Sign | None = None, currency: str | None = None
) -> tuple[Decimal | None, str | None, str | None]:
    row = parse_money(pl.Series([text], dtype=pl.String), decimal=decimal, currency=currency).row(0)
    return (row[0], row[1], row[2])


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("1234", "1234", None),
        ("1,234.50", "1234.5", None),
        ("1.234,50", "1234.5", None),
        ("1 234,50", "1234.5", None),
        ("1'234.50", "1234.5", None),
        ("12,34,567.00", "1234567", None),
        ("1,234,567", "1234567", None),
        ("1.234.567", "1234567", None),
        ("12,5", "12.5", None),
        (".5", "0.5", None),
        ("0,125", "0.125", None),
        ("1234.123456", "1234.123456", None),
        ("-5", "-5", None),
        ("5-", "-5", None),
        ("(500)", "-500", None),
        ("−5", "-5", None),
        ("€ 10", "10", "EUR"),
        ("10€", "10", "EUR"),
        ("£-3.50", "-3.5", "GBP"),
        ("USD 250k", "250000", "USD"),
        ("1.5k usd", "1500", "USD"),
        ("US$ 10", "10", "USD"),
        ("R$ 10", "10", "BRL"),
        ("Rp. 1.500.000", "1500000", "IDR"),
        ("RM10", "10", "MYR"),
    ],
)
def test_one_reading(text: str, amount: str, currency: str | None) -> None:
    """What can be read in one way only needs no contract."""
    assert read(text) == (Decimal(amount), currency, None)


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("1,234", "1234", "1.234"),
        ("1.234", "1.234", "1234"),
        ("1.500k", "1500", "1500000"),
        ("-1,000", "-1000", "-1"),
    ],
)
def test_two_readings(text: str, point: str, comma: str) -> None:
    """What can be read in two ways is read only with the contract's decimal sign."""
    assert read(text) == (None, None, "money_ambiguous")
    assert read(text, ".") == (Decimal(point), None, None)
    assert read(text, ",") == (Decimal(comma), None, None)


@pytest.mark.parametrize(
    ("text", "decimal"),
    [
        ("abc", None), ("$", None), ("100-200", None), ("1.2345678", None), ("1,2,3", None),
        ("(5", None), ("-(5)", None), ("1.234,50", "."), ("12,5", "."), ("1,234.50", ","),
        ("€5€", None), ("5M", None), ("9" * 40, None), ("1e5", None),
    ],
)  # fmt: skip
def test_no_reading(text: str, decimal: Sign | None) -> None:
    """What is no amount in the file's own notation is null with an issue."""
    assert read(text, decimal) == (None, None, "money_unreadable")


@pytest.mark.parametrize(
    ("text", "default", "currency", "issue"),
    [
        ("5", "USD", "USD", None),
        ("5", None, None, None),
        ("$5", "USD", "USD", None),
        ("$5", "CAD", "CAD", None),
        ("$5", "EUR", None, "money_currency_unknown"),
        ("$5", None, None, "money_currency_unknown"),
        ("¥5", "USD", None, "money_currency_unknown"),
        ("kr 5", "SEK", "SEK", None),
        ("€5", "USD", "EUR", None),
        ("XYZ 5", "USD", None, "money_currency_unknown"),
    ],
)
def test_currencies(
    text: str, default: str | None, currency: str | None, issue: str | None
) -> None:
    """The contract's currency settles a shared sign and never overrules another."""
    assert read(text, currency=default) == (Decimal(5), currency, issue)
    assert issue is None or issue in ISSUES


@pytest.mark.parametrize("text", [None, "", "  "])
def test_blanks(text: str | None) -> None:
    """A blank is no amount and no issue."""
    assert read(text) == (None, None, None)


AMOUNTS = st.decimals(-(10**12), 10**12, places=6, allow_nan=False)


@given(st.lists(AMOUNTS, max_size=20))
@settings(max_examples=100, deadline=None)
def test_idempotence(amounts: list[Decimal]) -> None:
    """An amount written in our own form reads as itself."""
    column = pl.Series([f"{amount:f}" for amount in amounts], dtype=pl.String)
    for decimal in (None, "."):
        assert parse_money(column, decimal=decimal)["amount"].to_list() == amounts


@given(st.decimals(-(10**9), 10**9, places=2, allow_nan=False))
@settings(max_examples=100, deadline=None)
def test_groups(amount: Decimal) -> None:
    """Any amount with groups and two decimals reads as itself, in either notation."""
    english = f"{amount:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    for text, sign in ((english, "."), (german, ",")):
        for decimal in (sign, None):
            assert read(text, decimal) == (amount, None, None)  # type: ignore[arg-type]
