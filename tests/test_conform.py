"""Which column fills which field, and what no field names."""

import hashlib
import json
import unicodedata

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import SourceDriftError
from contracts.registry import load_source, parse_source
from contracts.source import Source
from transforms.column_map import map_columns
from transforms.conform import CLOCKS, POSITION, Named, conform, key_rows, name_cells, trim_cells
from transforms.dedupe import hash_rows
from transforms.record_ids import extend_salesforce_id


def landed(**columns: list[str | None]) -> pl.DataFrame:
    rows = len(next(iter(columns.values())))
    position = {
        "line_no": list(range(2, rows + 2)),
        "byte_offset": [0] * rows,
        "byte_length": [0] * rows,
    }
    return pl.DataFrame({**position, **columns}, schema_overrides=dict.fromkeys(columns, pl.String))


def read(frame: pl.DataFrame, contract: Source) -> pl.DataFrame:
    cells = trim_cells(frame)
    keys = key_rows(cells, contract)
    return keys.hstack(conform(cells, contract).drop(*POSITION, *CLOCKS))


def hash_texts(frame: pl.DataFrame, contract: Source) -> list[str]:
    cells = trim_cells(frame)
    with duckdb.connect() as work:
        hashed = hash_rows(work, key_rows(cells, contract), name_cells(cells, contract))
    return hashed["row_hash"].to_list()


def source(columns: str, more: str = "") -> Source:
    return parse_source(f"name: x\nsource_file: file\ncolumns: {columns}\n{more}", "x.yaml")


def test_a_list_field_takes_all_its_columns_and_another_the_first() -> None:
    """Two phone columns are two phones; of two spellings of a name the first in the contract."""
    contract = source("{phones: [Mobile, Phone], first_name: [First, Given]}")
    row = read(landed(Phone=["1"], Given=["G"], First=["F"], Mobile=["2"]), contract)
    assert row["phones"].to_list() == [["2", "1"]]
    assert row["first_name"].to_list() == ["F"]
    assert json.loads(row["extra"].item()) == {"Given": "G"}


def test_what_the_contract_does_not_name_is_kept() -> None:
    """Unknown columns go to extra, ignored ones do not, blank cells neither."""
    contract = source("{phones: Phone}", "ignore: [Score]")
    frame = landed(Phone=["1", "2"], Zed=['a "b"', " "], Amy=["\n", "c"], Score=["9", "9"])
    extra = read(frame, contract)["extra"].to_list()
    assert extra == ['{"Zed":"a \\"b\\""}', '{"Amy":"c"}']


def test_tags_and_tombstones_take_all_their_columns() -> None:
    """They are no extra, and whether a record is deleted is part of what is known again."""
    contract = source(
        "{phones: Phone, tags: [Tag, Label]}", "deleted: [Gone, Void]\nignore: [Void]"
    )
    frame = landed(
        Phone=["1"] * 3,
        Gone=["yes", "", ""],
        Label=["c", "", ""],
        Tag=["a, b", "", ""],
        Void=["no", "", "x"],
    )
    rows = read(frame, contract)
    assert len(set(hash_texts(frame, contract))) == 3
    assert rows["tags"].to_list() == [["a, b", "c"], [], []]
    assert rows["deleted"].to_list() == [["yes", "no"], [], ["x"]]
    assert rows["extra"].to_list() == [None] * 3


def test_empty_cells_are_null_and_outer_blanks_fall_away() -> None:
    """What else means nothing is the contract's, and decided when a row is normalised."""
    contract = source("{phones: Phone, city: City}")
    frame = landed(Phone=["1", " ", ""], City=["  Bonn ", "NULL", None])
    rows = read(frame, contract)
    assert rows["city"].to_list() == ["Bonn", "NULL", None]
    assert rows["phones"].to_list() == [["1"], [], []]


def test_ids_are_keys_whatever_a_spreadsheet_did_to_them() -> None:
    """A tail, a wrapping or a provider's mark does not make another record."""
    contract = source("{source_record_id: Id, phones: Phone}", 'prefixes: ["l:"]')
    frame = landed(Id=["7", "7.0", '="7"', "'7", "l:7", "N/A", None], Phone=["1"] * 7)
    ids = read(frame, contract)["source_record_id"].to_list()
    assert ids == ["7"] * 5 + [None, None]


def test_headers_that_look_like_patterns_are_columns_like_others() -> None:
    """Polars reads such a name as a pattern, which fits no column of its own name."""
    contract = source('{source_record_id: "^id$", phones: "^phone$", first_name: "^n.*$"}')
    frame = landed(**{"^id$": ["7.0"], "^phone$": ["1"], "^n.*$": ["Zo\u0065\u0308"], "^x$": ["y"]})
    row = read(frame, contract)
    assert row["source_record_id"].to_list() == ["7"]
    assert row["first_name"].to_list() == ["Zo\u0065\u0308"]
    assert json.loads(row["extra"].item()) == {"^x$": "y"}
    text = "^id$\x1f7.0\x1e^n.*$\x1fZo\u00eb\x1e^phone$\x1f1\x1e^x$\x1fy"
    assert hash_texts(frame, contract) == [hashlib.md5(text.encode()).hexdigest()]


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("003D000000QV6vV", "003D000000QV6vVIAT"),
        ("001A0000006Vm9u", "001A0000006Vm9uIAC"),
        ("003D000000QV6vVIAT", "003D000000QV6vVIAT"),
        ("not an id", "not an id"),
    ],
)
def test_salesforce_ids_of_15_and_18_characters_are_one(short: str, long: str) -> None:
    """Both forms are of Salesforce's own documentation; what is no such id stays as it is."""
    found = pl.select(extend_salesforce_id(pl.lit(short))).item()
    assert found == long


def test_a_record_without_a_place_is_kept_with_all_its_cells() -> None:
    """Also where its id is made from some columns only; a record with a place needs no copy."""
    contract = source("{phones: Phone}", "record_id_from: [Phone]")
    frame = landed(Phone=["1", "2"], Name=["Ann", "Bob"]).with_columns(
        byte_offset=pl.Series([None, 7], dtype=pl.Int64)
    )
    rows = read(frame, contract)
    assert rows["raw_text"].to_list() == ["Name: Ann | Phone: 1", None]


def test_test_leads_are_marked() -> None:
    """A provider's test lead is known by any of its cells."""
    contract = source("{phones: Phone}", 'test_rows: ["<test lead:"]')
    frame = landed(Phone=["1", "2"], Name=["Ann", "<test lead: dummy data for name>"])
    assert read(frame, contract)["is_test"].to_list() == [False, True]


def test_the_texts_depend_on_the_cells_alone() -> None:
    """Neither the order of columns, nor blank cells, nor outer blanks, nor composed accents
    change the text from which ids and fingerprints come."""
    contract = source("{phones: Phone}")
    one = landed(Phone=["1"], Name=["Zo\u00eb"], Void=[""])
    other = landed(Name=[" Zoe\u0308 "], Phone=["1"])
    assert hash_texts(one, contract) == hash_texts(other, contract)
    ids = [read(frame, contract)["id_text"].item() for frame in (one, other)]
    assert ids[0] == ids[1]


@given(
    st.lists(
        st.text("aAoO\u00df\u00eb\u02ff\u0300\u0308\u0323\u1e9b\u1100\u1161\u212b"), max_size=8
    )
)
def test_every_text_is_compared_in_normal_form(names: list[str]) -> None:
    """Which texts are looked at more closely is a matter of speed alone. The hash is stored, so
    that another text of the same row would have all files read anew."""
    contract = source("{source_record_id: Id, phones: Phone}")
    rows = {"Id": ["1"] * len(names), "'Nam\u0065\u0308\" ": names, "Phone": ["2"] * len(names)}
    said = [f"'Nam\u00eb\"\x1f{name.strip()}\x1e" if name.strip() else "" for name in names]
    texts = [unicodedata.normalize("NFC", f"{name}Id\x1f1\x1ePhone\x1f2") for name in said]
    expected = [hashlib.md5(text.encode()).hexdigest() for text in texts]
    assert hash_texts(landed(**rows), contract) == expected


def test_an_id_is_made_only_for_rows_that_bring_none() -> None:
    """Its text is dear, and nobody asks for that of the others."""
    contract = source("{source_record_id: Id, phones: Phone}")
    rows = read(landed(Id=["7", "NULL", ""], Phone=["1", "2", "3"]), contract)
    assert [text is None for text in rows["id_text"]] == [True, False, False]


def test_ignored_columns_are_in_the_id_but_not_in_the_fingerprint() -> None:
    """What is ignored may change without a record being written; an id never depends on a rule."""
    contract = source("{phones: Phone}", "ignore: [Score]")
    frame = landed(Phone=["1", "1"], Score=["8", "9"])
    assert len(set(hash_texts(frame, contract))) == 1
    assert read(frame, contract)["id_text"].n_unique() == 2


def test_a_row_of_which_all_is_ignored_has_a_text_too() -> None:
    """It is empty: nothing that it says can change."""
    contract = source("{phones: Phone}")
    keys = key_rows(trim_cells(landed(Phone=["1"])), contract)
    with duckdb.connect() as work:
        hashed = hash_rows(work, keys, Named([], pl.DataFrame()))
    assert hashed["row_hash"].to_list() == [hashlib.md5(b"").hexdigest()]


def test_a_missing_required_column_tells_what_is_there_and_what_to_do() -> None:
    """Fact, evidence, remedy."""
    headers = ["Record ID", "Email", "First Name", *(f"c{number}" for number in range(11))]
    with pytest.raises(SourceDriftError) as caught:
        map_columns(headers[1:], load_source("hubspot"))
    assert str(caught.value) == (
        "hubspot: missing column 'Record ID - Contact' (source_record_id). "
        "The file has 'Email', 'First Name', 'c0' and 10 more.\n"
        "If hubspot renamed it, add the new name in contracts/sources/hubspot.yaml."
    )


def test_a_file_in_which_nothing_identifies_a_person_is_refused() -> None:
    """Without a CRM id, phone or email column no row could be loaded."""
    with pytest.raises(SourceDriftError, match="no column identifies a person"):
        map_columns(["City", "Colour"], load_source("generic"))
