"""The comparison form."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.folding import fold, fold_column


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("José  NÚÑEZ", "jose nunez"),
        ("O’Brien-Smith", "obrien smith"),
        ("o'brien smith", "obrien smith"),
        ("Łukasz Straße Øster Þór", "lukasz strasse oster thor"),
        ("İstanbul ı", "istanbul i"),
        ("Ｊａｎｅ", "jane"),
        ("김민준", "김민준"),
        ("がく", "がく"),
        ("अजय", "अजय"),
        ("Jr.", "jr"),
        ("...", None),
        ("", None),
        (None, None),
    ],
)
def test_fold(text: str | None, folded: str | None) -> None:
    """Accents, case and punctuation fall away; letters of other scripts stay."""
    assert pl.select(fold(pl.lit(text, pl.String))).item() == folded


@given(st.lists(st.text()))
@settings(max_examples=300, deadline=None)
def test_idempotence(texts: list[str]) -> None:
    """A folded text is its own folded form."""
    once = fold_column(pl.Series(texts, dtype=pl.String))
    assert fold_column(once).to_list() == once.to_list()
