"""Cells that hold tags, and the tags of a row."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.tags import list_tags

BLANKS = ("", "-", "n/a", "none")


def tags_of(*cells: str | None) -> list[str]:
    """The tags of one row."""
    frame = pl.DataFrame(
        {"line_no": [2] * len(cells), "text": cells}, schema_overrides={"text": pl.String}
    )
    found = list_tags(frame, BLANKS)
    return found["tags"].item().to_list() if len(found) else []


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["roofing, spring;Hot | new"], ["Hot", "new", "roofing", "spring"]),
        (["VIP", "vip, Vip"], ["VIP"]),
        (["b", "B2, a"], ["a", "b", "B2"]),
        (["* starred ::: Friends:::Suppliers"], ["* starred", "Friends", "Suppliers"]),
        (['"VIP","Spring, summer"'], ["Spring, summer", "VIP"]),
        (['5" pipe, nails'], ['5" pipe', "nails"]),
        (['"", x'], ["x"]),
        ([" , ;|", None, "N/A, -"], []),
        (["two words"], ["two words"]),
        (["A:B, c:d"], ["A:B", "c:d"]),
    ],
)
def test_cells_are_split_into_tags(cells: list[str | None], expected: list[str]) -> None:
    """At commas, semicolons, bars and Google's colons; each once, in an order of their own."""
    assert tags_of(*cells) == expected


def test_each_row_has_its_own_tags() -> None:
    """A row without any is not in the answer."""
    frame = pl.DataFrame({"line_no": [3, 2, 4, 3], "text": ["b", "b", "-", "a"]})
    assert list_tags(frame, BLANKS).sort("line_no").rows() == [(2, ["b"]), (3, ["a", "b"])]


@given(st.lists(st.text('aAbß,;|:" \n', max_size=8), min_size=1, max_size=4))
def test_tags_are_their_own_tags(cells: list[str]) -> None:
    """What was split once stays as it is, and no tag is blank or there twice."""
    once = tags_of(*cells)
    whole = [tag for tag in once if not set(tag) & set(',;|"') and ":::" not in tag]
    assert tags_of(*whole) == whole
    assert len({tag.lower() for tag in once}) == len(once)
    assert all(tag.strip() == tag != "" for tag in once)
