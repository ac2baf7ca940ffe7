"""Which contract fits a file, and what a contract for an unknown file could say."""

import json
from pathlib import Path

import polars as pl
import psycopg
import pytest

from contracts.errors import HeldError
from contracts.registry import load_source, load_sources, parse_source
from flows import ledger
from flows.inspecting import inspect_file
from tests.conftest import Import
from tests.test_golden import FOLDERS, source_of
from transforms.recognise import propose_columns, rank_sources, recognise, write_contract


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_golden_file_fits_its_contract_best(folder: Path) -> None:
    """Each is recognised, and taken for no other's."""
    (path,) = folder.glob("input.*")
    (found,) = inspect_file(path)
    exact = {fit.name for fit in found.fits if fit.is_exact}
    assert exact == {source_of(folder)}


def test_a_file_that_fits_in_part_is_held() -> None:
    """A guess is no reason to write into somebody's people; the message names the nearest."""
    with pytest.raises(HeldError, match=r"x\.csv: no contract fits exactly; the nearest are"):
        recognise("x.csv", ["Phone", "Favourite colour"], load_sources())


def test_a_file_of_which_nothing_is_known_names_no_contract() -> None:
    """That one knows none of its columns would tell an analyst nothing."""
    with pytest.raises(HeldError, match=r"x\.csv: no source that we know has such columns\.\n"):
        recognise("x.csv", ["Colour", "Favourite dish"], load_sources())


def test_a_list_of_which_every_column_is_known_is_generic() -> None:
    """Usual English headers and no other fit exactly."""
    assert recognise("x.csv", ["First Name", "phone", "E-Mail"], load_sources()).name == "generic"


def test_fits_are_ranked_with_the_reason_why_not() -> None:
    """What cannot be read by a contract comes last, with the missing column."""
    fits = rank_sources(["Record ID - Contact", "First Name", "Email"], load_sources())
    assert fits[0].name == "hubspot"
    assert fits[0].is_exact
    assert "missing column" in next(fit.fault for fit in fits if fit.name == "salesforce")


def test_columns_are_proposed_by_header_and_by_value() -> None:
    """A column of emails is a column of emails, whatever it is called; amounts are no phones."""
    rows = pl.DataFrame(
        {
            "Vorname": ["Ann", "Bob"],
            "surname": ["Abbott", "Baker"],
            "Kontakt A": ["ann@example.com", "bob@example.com"],
            "Kontakt B": ["(415) 555-2671", "415-555-2672"],
            "Betrag": ["2125550143", "4155552671"],
            "Datum": ["2026-01-02", "2026-02-03"],
            "payload.zip": ["02108", "97201"],
            "Labels": ["hot", ""],
            "payload.tags.0": ["hot", ""],
            "Tags": ["cold", ""],
            "Comments": ["call first", ""],
            "Last activity": ["2026-01-02", ""],
            "conversation_id": ["7", ""],
            "Profile Name": ["~ Ann", ""],
        }
    )
    assert propose_columns(rows, load_source("generic"), "US") == {
        "last_name": ["surname"],
        "emails": ["Kontakt A"],
        "phones": ["Kontakt B"],
        "zip": ["payload.zip"],
        "tags": ["Labels", "Tags"],
        "note": ["Comments"],
        "last_activity_at": ["Last activity"],
        "conversation_id": ["conversation_id"],
        "profile_name": ["Profile Name"],
    }


def test_a_proposal_is_a_contract() -> None:
    """What --write saves loads as it is."""
    text = write_contract("my_list", {"phones": ["Tel. privat"], "city": ["Ort"]})
    source = parse_source(text, "my_list.yaml")
    assert source.columns["phones"].columns == ("Tel. privat",)


def test_inspect_proposes_dotted_paths_from_one_payload(tmp_path: Path) -> None:
    """One recorded delivery is enough for a contract."""
    path = tmp_path / "delivery.json"
    path.write_text(
        json.dumps({"id": "d1", "lead": {"phone_number": "415-555-2671", "firstname": "Ann"}})
    )
    (found,) = inspect_file(path)
    source = parse_source(found.proposal, "x.yaml")
    assert source.columns["phones"].columns == ("lead.phone_number",)
    assert source.columns["first_name"].columns == ("lead.firstname",)


def test_auto_runs_on_an_exact_fit_and_holds_the_rest(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """The ledger tells which source it was, or why a person is asked."""
    done = import_text("first name,phone\nAnn,415-555-2671\n", "auto")
    assert (done.status, done.source) == ("done", "generic")
    held = import_text("Tel,Favourite colour\n415-555-2671,teal\n", "auto", "other.csv")
    assert held.status == "held"
    entry = ledger.find_import(connection, held.import_id)
    assert (entry.status, entry.source) == ("held", "auto")
    assert "leadfold inspect" in (entry.reason or "")
