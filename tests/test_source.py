"""Source contracts: what they may say, and what is said when they are wrong."""

import pytest

from contracts.errors import ContractError, WrongCallError
from contracts.registry import load_source, load_sources, parse_source
from contracts.source import header_key

GOOD = "name: x\nsource_file: file\ncolumns: {phones: [Phone]}\n"


def test_every_contract_in_the_repository_loads() -> None:
    """The sources that come with Leadfold are valid, and named as their files are."""
    assert {"generic", "hubspot", "salesforce"} <= set(load_sources())


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("name: x\n  y: [", "x.yaml", "not readable as YAML"),
        ("[1, 2]", "(whole file)", "dictionary"),
        ("name: x\ncolumns: {phones: P}", "source_file", "Field required"),
        (GOOD.replace("file\n", "fed\n"), "source_file", "'feed' or 'file'"),
        (GOOD.replace("phones", "phone"), "columns", "Did you mean 'phones'?"),
        (GOOD.replace("[Phone]", "[]"), "columns.phones.columns", "at least 1"),
        (GOOD + "trust: high\n", "trust", "valid integer"),
        (GOOD + "trsut: 3\n", "trsut", "Extra inputs are not permitted"),
        (GOOD + "required: [email]\n", "required: 'email'", "not among the columns"),
        ("name: x\nsource_file: file\ncolumns: {city: City}\n", "columns", "must be there"),
        (
            "name: x\nsource_file: file\ncolumns: {phones: Tel, city: [TEL]}\n",
            "'TEL'",
            "fills both 'phones' and 'city'",
        ),
        (GOOD + "mode: full\n", "mode", "'delta' or 'snapshot'"),
        (GOOD + "mode: snapshot\n", "mode", "source_file must be feed"),
        (GOOD.replace("file\n", "feed\n") + "mode: snapshot\n", "mode", "source_record_id"),
        (GOOD + "deleted: []\n", "deleted.columns", "at least 1"),
        (GOOD + "deleted: {columns: [Gone], no: [x]}\n", "deleted.no", "not permitted"),
        (GOOD + "id_space: record\n", "id_space", "another kind of claim"),
        (GOOD + "clear: [' N/A']\n", "clear: ' N/A'", "is a blank"),
        (GOOD + "clear: [' ']\n", "clear: ' '", "is a blank"),
        (GOOD + "blanks: [none]\nclear: ['']\n", "clear: ''", "is a blank"),
    ],
)
def test_a_mistake_is_told_with_file_key_and_what_was_expected(
    text: str, key: str, expected: str
) -> None:
    """Whoever writes a contract reads where the mistake is and what belongs there."""
    with pytest.raises(ContractError) as caught:
        parse_source(text, "contracts/sources/x.yaml")
    message = str(caught.value)
    assert message.startswith("contracts/sources/x.yaml")
    assert key in message
    assert expected in message


def test_an_unknown_source_names_the_nearest() -> None:
    """A slip of the pen is told what was probably meant, and what there is."""
    with pytest.raises(WrongCallError, match=r"Did you mean 'hubspot'\? Sources: .*generic"):
        load_source("hubspott")


@pytest.mark.parametrize(
    ("one", "other"),
    [("First Name", "first_name"), ("E-Mail", "e mail"), (" Phone ", "phone"), ("ＺＩＰ", "zip")],
)
def test_headers_are_compared_without_case_and_punctuation(one: str, other: str) -> None:
    """Spellings of one header are one header."""
    assert header_key(one) == header_key(other)


def test_a_snapshot_needs_a_feed_with_real_ids() -> None:
    """Then a record that is not in the file is known to be missing; else a file is a delta."""
    assert parse_source(GOOD, "x.yaml").mode == "delta"
    text = (
        "name: x\nsource_file: feed\nmode: snapshot\nrequired: [source_record_id]\n"
        "columns: {source_record_id: Id, phones: Phone}\n"
    )
    assert parse_source(text, "x.yaml").mode == "snapshot"


@pytest.mark.parametrize(
    ("said", "columns", "yes"),
    [
        ("Gone", ("Gone",), ("yes", "true", "y", "1", "x", "t")),
        ("[Gone, Void]", ("Gone", "Void"), ("yes", "true", "y", "1", "x", "t")),
        ("{column: event, yes: [lead.deleted]}", ("event",), ("lead.deleted",)),
        ('{columns: [a, b], "yes": ["*"]}', ("a", "b"), ("*",)),
    ],
)
def test_a_rule_for_tombstones_has_short_forms(
    said: str, columns: tuple[str, ...], yes: tuple[str, ...]
) -> None:
    """A header, a list of them, or columns with words; they are headers that the contract knows."""
    source = parse_source(GOOD + f"deleted: {said}\n", "x.yaml")
    assert source.deleted is not None
    assert (source.deleted.columns, source.deleted.yes) == (columns, yes)
    assert set(columns) <= source.known_headers
