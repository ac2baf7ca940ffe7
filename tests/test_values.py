"""Flags: yes, no, and everything that is neither."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.values import FALSE_WORDS, TRUE_WORDS, parse_flags


@pytest.mark.parametrize(
    ("text", "value", "issue"),
    [
        ("Yes", True, None),
        (" TRUE ", True, None),
        ("1", True, None),
        ("x", True, None),
        ("No", False, None),
        ("0", False, None),
        ("off", False, None),
        ("maybe", None, "flag_unknown"),
        ("2", None, "flag_unknown"),
        ("", None, None),
        (None, None, None),
    ],
)
def test_flags(text: str | None, value: bool | None, issue: str | None) -> None:
    """An unknown word is neither yes nor no."""
    assert parse_flags(pl.Series([text], dtype=pl.String)).row(0) == (value, issue)


def test_words_of_the_contract() -> None:
    """A contract's words replace ours; a word in both lists means neither."""
    read = parse_flags(
        pl.Series(["OPTED IN", "out", "yes", "both"]),
        true_words=["Opted in", "both"],
        false_words=["OUT", "both"],
    )
    assert read["value"].to_list() == [True, False, None, None]


@given(st.lists(st.sampled_from([*TRUE_WORDS, *FALSE_WORDS, "", "?"])))
@settings(max_examples=50, deadline=None)
def test_idempotence(texts: list[str]) -> None:
    """A flag written out reads as itself."""
    once = parse_flags(pl.Series(texts, dtype=pl.String))["value"]
    assert parse_flags(once.cast(pl.String))["value"].to_list() == once.to_list()
