"""What a table contract, and a source that fills tables, may say; and JSON as it is compared."""

import polars as pl
import pytest

from contracts.errors import ContractError
from contracts.registry import build_sources, build_tables, load_sources, load_tables
from transforms.json_texts import canonical_json, canonical_text

VISITS = """\
name: visits
row: visit
description: A visit.
key: [external_id]
index: visits_unique_idx
on_conflict: merge
keep: [newest]
columns:
  external_id: {kind: id, is_required: true}
  state: {kind: word, words: [planned, [kept, missed]], merge: forward}
"""
STATE = "kind: word, words: [planned, [kept, missed]], merge: forward"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("key: [external_id]", "key: [visit_id]", "'visit_id' is not among the columns"),
        ("{kind: id, is_required: true}", "id", "'external_id' is part of the key"),
        ("words: [planned, [kept, missed]]", "by: x", "'words' belongs to kind 'word'"),
        ("state:", "import_id:", "'import_id' is no name for a column of its own"),
        ("state:", "visit_id:", "'visit_id' is the table's own id"),
        ("merge: forward", "merge: highest", "'highest' belongs to kinds 'number'"),
        ("merge: forward", "default: late", "'late' is none of its words"),
        (STATE, "kind: reference, to: trips", "visits.state: there is no table 'trips'"),
        (STATE, "kind: reference, to: visits", "go round in a circle: visits -> visits"),
        ("name: visits", "name: trips", "name is 'trips', the file says otherwise"),
        ("keep: [newest]", "keep: [{column: rank, prefer: highest}]", "'rank' is not among"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_is_told(old: str, new: str, said: str) -> None:
    """With the file, and what was expected."""
    assert old in VISITS
    with pytest.raises(ContractError) as caught:
        build_tables({"visits": VISITS.replace(old, new)})
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ("{businesss: {name: Name}}", "Did you mean 'businesses'?"),
        ("{businesses: {nmae: Name}}", "Did you mean 'name'?"),
        ("{businesses: {name: '*'}}", "'*' fills columns of kind 'json' only"),
        ("{import_deliveries: {status: Status}}", "'status' is no column"),
    ],
)
def test_a_source_that_fills_what_is_not_there_is_told(tables: str, said: str) -> None:
    """A column that an import computes is filled by no cell."""
    text = f"name: x\nsource_file: file\ncolumns: {{phones: Phone}}\ntables: {tables}\n"
    with pytest.raises(ContractError) as caught:
        build_sources({"x": text})
    assert said in str(caught.value)


def test_every_table_has_a_source_of_its_own_and_comes_after_what_it_refers_to() -> None:
    """So that a table needs no contract but its own."""
    names = list(load_tables())
    for name, table in load_tables().items():
        assert load_sources()[name].entity == name
        for _, reference in table.references():
            if reference.to in names:
                assert names.index(reference.to) < names.index(name)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"b": [1.50, 1e2], "a": "x"}', '{"a":"x","b":[1.50,100]}'),
        ('{"a": "\\u00e9 \\\\u0000"}', '{"a":"é \\\\u0000"}'),
        ("  true ", "true"),
        ("-1.5E-3", "-0.0015"),
        ("{", None),
        ("NaN", None),
        ('"\\u0000"', None),
        ('"\\ud800"', None),
        ("1e99999999", None),
        ("[" * 100_000, None),
    ],
)
def test_json_that_says_the_same_is_the_same_text(text: str, told: str | None) -> None:
    """Sorted, plain, and nothing that Postgres refuses; its own form is its form."""
    assert canonical_text(text) == told
    if told is not None:
        assert canonical_text(told) == told


def test_a_blank_is_no_json_and_no_fault() -> None:
    """Nothing is said where nothing stands."""
    values, codes = canonical_json(pl.Series(["", None, "n/a", "1", "{"]), ("", "n/a"))
    assert values.to_list() == [None, None, None, "1", None]
    assert codes.to_list() == [None, None, None, None, "json_unreadable"]
