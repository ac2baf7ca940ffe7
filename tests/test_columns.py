"""Odd rows out of a column and back, and values read once each."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.columns import by_value, put, put_text, spread


@given(st.lists(st.tuples(st.one_of(st.none(), st.text(max_size=3)), st.booleans())))
@settings(max_examples=100, deadline=None)
def test_put_and_spread(rows: list[tuple[str | None, bool]]) -> None:
    """Rows under the mask change, all others stay, and the column handed in stays as it was."""
    values = pl.Series("v", [value for value, _ in rows], dtype=pl.String)
    mask = pl.Series([flag for _, flag in rows], dtype=pl.Boolean)
    before = values.to_list()
    marked = values.filter(mask).fill_null("null") + "!"
    expected = [f"{'null' if v is None else v}!" if flag else v for v, flag in rows]
    assert put(values, mask, marked).to_list() == expected
    assert put_text(values, mask, None).to_list() == [None if f else v for v, f in rows]
    assert spread(marked, mask).to_list() == [
        each if flag else None for each, (_, flag) in zip(expected, rows, strict=True)
    ]
    assert values.to_list() == before
    assert put(values, mask, marked).name == spread(values.filter(mask), mask).name == "v"


@pytest.mark.parametrize(
    ("texts", "most_read"),
    [
        (["DE", None, "US", "US"] * 500, 3),
        ([str(number) for number in range(2000)], 2000),
        ([None] * 1000 + [str(number) for number in range(1000)], 1001),
        ([], 0),
    ],
    ids=["few", "all differ", "few at first", "empty"],
)
def test_by_value_reads_what_comes_again_once(texts: list[str | None], most_read: int) -> None:
    """Row for row as if each cell had been read, null too, with no value read twice."""
    rows_read = []

    def read(cells: pl.Series) -> pl.DataFrame:
        rows_read.append(cells.len())
        return pl.DataFrame({"is_none": cells.is_null(), "lower": cells.str.to_lowercase()})

    found = by_value(pl.Series("v", texts, dtype=pl.String), read)
    assert found.rows() == [(text is None, text and text.lower()) for text in texts]
    assert sum(rows_read) == most_read
