"""The samples: made by their script, and folded as a plain-Python reference folds them."""

import runpy
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from contracts.people import GOLDEN
from flows.importing import run_import
from flows.jobs import Request
from flows.settings import Settings
from tests.reference import World, import_file

SAMPLES = Path(__file__).resolve().parent.parent / "data" / "samples"

# What the contracts say of the columns that the samples have, for the reference.
LAYOUTS = {
    "hubspot": {
        "file": "hubspot_contacts.csv",
        "source": "hubspot",
        "space": "hubspot",
        "trust": 20,
        "crm_id": "Record ID - Contact",
        "phones": ["Phone Number", "Mobile Phone Number"],
        "email": "Email",
        "clock": "Last Modified Date",
        "format": "%Y-%m-%d %H:%M",
        "texts": {
            "first_name": "First Name",
            "last_name": "Last Name",
            "company": "Company Name",
            "city": "City",
            "state": "State/Region",
            "zip": "Postal Code",
            "country": "Country/Region",
        },
    },
    "salesforce": {
        "file": "salesforce_contacts.csv",
        "source": "salesforce",
        "space": "salesforce",
        "trust": 30,
        "crm_id": "Id",
        "phones": ["Phone", "MobilePhone"],
        "email": "Email",
        "clock": "LastModifiedDate",
        "format": "%Y-%m-%dT%H:%M:%S.000+0000",
        "texts": {
            "first_name": "FirstName",
            "last_name": "LastName",
            "job_title": "Title",
            "st_address": "MailingStreet",
            "city": "MailingCity",
            "state": "MailingState",
            "zip": "MailingPostalCode",
            "country": "MailingCountry",
        },
    },
    "generic": {
        "file": "vendor_list.csv",
        "source": "generic",
        "space": "crm",
        "trust": 0,
        "phones": ["Phone", "Alternate Phone"],
        "email": "Email",
        "country": "Country",
        "texts": {
            "full_name": "Full Name",
            "city": "City",
            "zip": "Zip",
            "country": "Country",
        },
    },
}


@pytest.mark.parametrize("orders", [["hubspot", "salesforce", "generic"] * 2])
def test_the_reference_gives_the_same_people_values_and_counts(
    settings: Settings, connection: psycopg.Connection, orders: list[str]
) -> None:
    """Personas as sets of records, golden values and counts, after each of six imports."""
    world = World()
    for sequence, name in enumerate(orders):
        layout = LAYOUTS[name]
        path = SAMPLES / layout["file"]
        counts, match = import_file(world, path, layout, sequence)
        (outcome,) = run_import(Request(path, "acme", name), settings)
        assert Counter(outcome.counts._asdict()) == counts, name
        assert Counter(outcome.match) == match, name
        assert people_of(connection) == reference_people(world), name


def reference_people(world: World) -> list[tuple]:
    """Of each person: the CRM records, how many others, and the golden values."""
    ids: dict[int, list[str]] = {}
    for (source, record), lead in world.leads.items():
        ids.setdefault(lead.person, []).append(record if source != "generic" else "-")
    return sorted(
        (sorted(ids[person]), *(record.get(name) or "" for name in GOLDEN))
        for person, record in world.golden().items()
    )


def people_of(connection: psycopg.Connection) -> list[tuple]:
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            "SELECT p.*, (SELECT array_agg(CASE source WHEN 'generic' THEN '-'"
            " ELSE source_record_id END) FROM leads AS l WHERE l.team_id = p.team_id"
            " AND l.persona_id = p.persona_id) AS ids FROM personas AS p"
        ).fetchall()
    return sorted((sorted(row["ids"]), *(row[name] or "" for name in GOLDEN)) for row in found)


def test_the_samples_are_what_their_script_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seeded: anybody can make them again, and nobody edits them by hand."""
    script = tmp_path / "make_samples.py"
    script.write_bytes((SAMPLES / "make_samples.py").read_bytes())
    runpy.run_path(str(script), run_name="__main__")
    for layout in LAYOUTS.values():
        name = layout["file"]
        assert (tmp_path / name).read_bytes() == (SAMPLES / name).read_bytes(), name
