"""Whole imports of what people really send: archives, workbooks, deliveries, damage, consent."""

import dataclasses
import gzip
import json
import zipfile
from pathlib import Path

import psycopg
import pytest
import xlsxwriter
from psycopg.rows import dict_row

import flows.importing
from flows import ledger, teams
from flows.importing import run_import
from flows.jobs import Job, Outcome, Request
from flows.settings import Settings
from tests.conftest import Import, snapshot
from transforms.plan import Counts


def rows(connection: psycopg.Connection, query: str) -> list[dict[str, object]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query).fetchall()


def run(path: Path, settings: Settings, source: str = "generic") -> list[Outcome]:
    return run_import(Request(path, "acme", source), settings)


def test_each_member_of_an_archive_is_an_import(
    connection: psycopg.Connection, settings: Settings, tmp_path: Path
) -> None:
    """Two lists in one zip are two ledger rows, each with its own name and outcome."""
    path = tmp_path / "lists.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", "name,phone\nAnn,415-555-2671\n")
        archive.writestr("b.csv", "city\nBonn\n")
        archive.writestr("c.csv", "name,phone\nCid,415-555-2673\n")
        archive.writestr("readme.pdf", b"%PDF-1.7 and so on")
    outcomes = run(path, settings)
    assert [(o.file_name, o.status, o.counts.inserted) for o in outcomes] == [
        ("lists.zip/a.csv", "done", 1),
        ("lists.zip/b.csv", "held", 0),
        ("lists.zip/c.csv", "done", 1),
        ("lists.zip/readme.pdf", "failed", 0),
    ]
    assert "PDF" in outcomes[3].reason
    entries = {entry.file_name: entry for entry in ledger.list_imports(connection)}
    assert entries["lists.zip/a.csv"].source_file == "generic/lists.zip/a.csv"
    assert len(entries) == 4
    before = snapshot(connection)
    assert [o.effects for o in run(path, settings)] == [{}, {}, {}, {}]
    assert snapshot(connection) == before


def test_a_fault_in_one_member_leaves_the_others_their_turn(
    connection: psycopg.Connection,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What nobody foresaw is told as that member's outcome, and the next one is imported."""
    path = tmp_path / "lists.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", "name,phone\nAnn,415-555-2671\n")
        archive.writestr("b.csv", "name,phone\nCid,415-555-2673\n")
    real = flows.importing.PLAIN.stage

    def stage(job: Job, *rest: object) -> Path:
        return Path(1 / 0) if job.file_name.endswith("a.csv") else real(job, *rest)  # type: ignore[arg-type]

    broken = dataclasses.replace(flows.importing.PLAIN, stage=stage)
    monkeypatch.setattr(flows.importing, "PLAIN", broken)
    outcomes = run(path, settings)
    assert [(o.status, o.reason) for o in outcomes] == [
        ("failed", "A fault of Leadfold's: ZeroDivisionError."),
        ("done", ""),
    ]


def test_a_packed_file_is_the_file(
    connection: psycopg.Connection, settings: Settings, tmp_path: Path
) -> None:
    """A .gz lands unpacked; its reject keeps the bytes of the unpacked file."""
    path = tmp_path / "list.csv.gz"
    path.write_bytes(gzip.compress(b"name,phone\nAnn,415-555-2671\nZed,12\n"))
    (outcome,) = run(path, settings)
    assert outcome.counts == Counts(landed=2, rejected=1, inserted=1)
    assert rows(connection, "SELECT raw FROM import_issues WHERE severity = 'reject'") == [
        {"raw": b"Zed,12"}
    ]


def test_a_workbook_is_read_and_its_rejects_are_told_as_text(
    connection: psycopg.Connection, settings: Settings, tmp_path: Path
) -> None:
    """A row of a sheet has no bytes in the file; its cells are kept by header."""
    path = tmp_path / "list.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Name", "Phone"])
        sheet.write_row(1, 0, ["Ann", 4155552671])
        sheet.write_row(2, 0, ["Zed", "none at all"])
    (outcome,) = run(path, settings)
    assert outcome.counts == Counts(landed=2, rejected=1, inserted=1)
    assert rows(connection, "SELECT phone FROM personas") == [{"phone": "+14155552671"}]
    reject = rows(connection, "SELECT line_no, raw FROM import_issues WHERE severity = 'reject'")
    assert reject == [{"line_no": 3, "raw": b"Name: Zed | Phone: none at all"}]


def delivery(number: int, time: str, **payload: str) -> str:
    return json.dumps({"delivery_id": f"d{number}", "delivered_at": time, "payload": payload})


def test_deliveries_may_come_again_and_out_of_order(
    connection: psycopg.Connection, settings: Settings, tmp_path: Path
) -> None:
    """The newest delivery wins field by field, whichever line it stands on, however often."""
    lines = [
        delivery(2, "2026-03-02T10:00:00Z", external_crm_id="C1", firstname="Anna", city="Ulm"),
        delivery(
            1,
            "2026-03-01T10:00:00Z",
            external_crm_id="C1",
            firstname="Ann",
            phone_number="(415) 555-2671",
            interest="solar",
        ),
        delivery(2, "2026-03-02T10:00:00Z", external_crm_id="C1", firstname="Anna", city="Ulm"),
        "{broken",
    ]
    path = tmp_path / "deliveries.jsonl"
    path.write_text("\n".join(lines) + "\n")
    (outcome,) = run(path, settings, "webhook_lead")
    assert outcome.counts == Counts(landed=4, rejected=1, duplicate=2, inserted=1)
    query = "SELECT crm_id, first_name, phones, city, product FROM leads"
    expected = [
        {
            "crm_id": "C1",
            "first_name": "Anna",
            "phones": ["+14155552671"],
            "city": "Ulm",
            "product": "solar",
        }
    ]
    assert rows(connection, query) == expected
    before = snapshot(connection)
    (again,) = run(path, settings, "webhook_lead")
    assert again.effects == {}
    assert snapshot(connection) == before


def test_test_leads_are_rejected_with_their_bytes(
    connection: psycopg.Connection, settings: Settings, tmp_path: Path
) -> None:
    """A provider's dummy data is nobody, and is told each time."""
    folder = Path(__file__).parent / "golden" / "facebook_leads"
    (path,) = folder.glob("input.*")
    (outcome,) = run(path, settings, "facebook_leads")
    found = rows(connection, "SELECT raw FROM import_issues WHERE code = 'test_row'")
    assert len(found) >= 1
    assert all(b"<test lead:" in bytes(issue["raw"]) for issue in found)  # type: ignore[arg-type]
    assert sum(outcome.counts[1:]) == outcome.counts.landed


def test_an_opt_out_is_taken_back_by_no_later_statement(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Once out, a person stays out; an unknown word counts as out, and is told."""
    header = "Record ID - Contact,Email,Unsubscribed from all email,Last Modified Date\n"
    import_text(header + "1,ann@example.com,true,2026-01-01 10:00\n", "hubspot")
    import_text(header + "1,ann@example.com,false,2026-02-01 10:00\n", "hubspot", "b.csv")
    import_text(header + "2,bob@example.com,perhaps,2026-02-01 10:00\n", "hubspot", "c.csv")
    assert rows(connection, "SELECT kind, value, channel FROM opt_outs ORDER BY 1, 2") == [
        {"kind": kind, "value": value, "channel": "email"}
        for kind, value in (
            ("email", "ann@example.com"),
            ("email", "bob@example.com"),
            ("hubspot", "1"),
            ("hubspot", "2"),
        )
    ]
    covered = "SELECT channel FROM persona_opt_outs ORDER BY persona_id"
    assert rows(connection, covered) == [{"channel": "email"}] * 2
    codes = rows(connection, "SELECT code FROM import_issues")
    assert codes == [{"code": "consent_unknown"}]


def test_one_unclosed_quote_costs_one_row(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Exactly the damaged record is rejected, with its line; all others load."""
    outcome = import_text(
        'first name,phone,city\nAnn,415-555-2671,Bonn\nBob,"415-555-2672,Ulm\n'
        "Cid,415-555-2673,Rome\nDan,415-555-2674,Oslo\n"
    )
    assert outcome.counts == Counts(landed=4, rejected=1, inserted=3)
    assert rows(connection, "SELECT line_no, code FROM import_issues") == [
        {"line_no": 3, "code": "unclosed_quote"}
    ]


def test_windows_1252_names_are_stored_as_written(
    connection: psycopg.Connection, settings: Settings, tmp_path: Path
) -> None:
    """No mojibake; a reject keeps the bytes of the file, and the encoding to read them by."""
    path = tmp_path / "list.csv"
    text = (
        "first name;phone;city\nJürgen;030 23125123;Köln\nZoë;12;Jülich\nChloé;+33199001234;Nîmes\n"
    )
    path.write_bytes(text.encode("cp1252"))
    (outcome,) = run(path, settings)
    assert outcome.counts.landed == 3
    names = rows(connection, "SELECT first_name, city FROM leads ORDER BY 1")
    assert {"first_name": "Chloé", "city": "Nîmes"} in names
    reject = rows(
        connection, "SELECT raw, encoding FROM import_issues WHERE severity = 'reject' LIMIT 1"
    )
    assert (
        bytes(reject[0]["raw"])
        .decode(str(reject[0]["encoding"]))
        .startswith(  # type: ignore[arg-type]
            ("Jürgen", "Zoë")
        )
    )


def test_statements_of_one_time_are_folded_by_content(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Two statements of the same moment give the same lead in either order, in one file or two,
    and neither writes when it comes again."""
    header = "id,city,phone,updated_at\n"
    one = "1,Bonn,415-555-2671,2026-01-01\n"
    other = "1,Rome,415-555-2671,2026-01-01\n"
    for number, parts in enumerate(([one + other], [other + one], [one, other], [other, one])):
        teams.add_team(connection, f"team {number}")
        for part in parts:
            import_text(header + part, team=f"team {number}")
    assert len(rows(connection, "SELECT DISTINCT city FROM leads")) == 1
    assert len(rows(connection, "SELECT city FROM leads")) == 4
    before = snapshot(connection)
    for part in (one, other, one):
        assert import_text(header + part, team="team 2").effects == {}
    assert snapshot(connection) == before


def test_people_may_be_called_null(connection: psycopg.Connection, import_text: Import) -> None:
    """An export's NULL is nothing; Ms Null keeps her name."""
    import_text("first name,last name,phone\nNa,Null,415-555-2671\nNULL,null,415-555-2672\n")
    assert rows(connection, "SELECT first_name, last_name FROM leads ORDER BY 1 NULLS LAST") == [
        {"first_name": "Na", "last_name": "Null"},
        {"first_name": None, "last_name": None},
    ]


def test_an_id_too_long_for_an_index_costs_its_row_only(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Postgres could not store it as a key; the rest of the file loads."""
    outcome = import_text(f"id,phone\n{'x' * 6000},415-555-2671\n2,415-555-2672\n")
    assert outcome.counts == Counts(landed=2, rejected=1, inserted=1)
    assert rows(connection, "SELECT code FROM import_issues") == [{"code": "id_too_long"}]


def test_a_consent_column_that_stands_twice_is_read_twice(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """One opt-out is enough, whichever of the columns states it; so with phones."""
    import_text(
        "Id,Phone,Phone,Email Opt Out,EMAIL OPT OUT\n"
        "003000000000001AAA,4155552671,4155552672,0,1\n",
        "salesforce",
    )
    assert rows(connection, "SELECT phones FROM leads") == [
        {"phones": ["+14155552671", "+14155552672"]}
    ]
    assert rows(connection, "SELECT kind, channel FROM opt_outs") == [
        {"kind": "salesforce", "channel": "email"}
    ]


@pytest.mark.parametrize(
    ("word", "opt_outs", "codes"),
    [
        ("NULL", [], []),
        ("n/a", [], []),
        ("0.0", [], []),
        ('"=""0"""', [], []),
        ("'FALSE", [], []),
        ("1.0", ["phone"], []),
        ("Perhaps", ["phone"], [{"code": "consent_unknown", "raw": b"Perhaps"}]),
    ],
)
def test_damaged_consent_is_mended_before_it_is_read(
    connection: psycopg.Connection,
    import_text: Import,
    word: str,
    opt_outs: list[str],
    codes: list[object],
) -> None:
    """A float column or a database's NULL opts nobody out; what is not known keeps its text."""
    import_text(f"Id,Phone,DoNotCall\n003000000000001AAA,4155552671,{word}\n", "salesforce")
    stated = rows(connection, "SELECT DISTINCT channel FROM opt_outs")
    assert [each["channel"] for each in stated] == opt_outs
    assert rows(connection, "SELECT code, raw FROM import_issues") == codes


@pytest.mark.parametrize("header", ["*", "^.*$", "^ph.*$"])
def test_a_header_that_looks_like_a_pattern_is_a_header(
    connection: psycopg.Connection, import_text: Import, header: str
) -> None:
    """What stands in its column is kept under its name."""
    import_text(f"phone,{header}\n415-555-2671,x\n")
    assert rows(connection, "SELECT fields FROM leads") == [{"fields": {"extra": {header: "x"}}}]


def test_mr_total_is_a_person(connection: psycopg.Connection, import_text: Import) -> None:
    """A total has amounts beside it, not a number that can be dialled."""
    outcome = import_text("last name,phone\nAx,4155552671\nTotal,4155552672\nTotal,2\n")
    assert outcome.counts == Counts(landed=3, rejected=1, inserted=2)


def test_json_without_records_says_so(
    connection: psycopg.Connection, settings: Settings, tmp_path: Path
) -> None:
    """An empty array is no header that does not fit."""
    path = tmp_path / "empty.json"
    path.write_text("[]")
    (outcome,) = run(path, settings)
    assert (outcome.status, outcome.reason) == ("failed", "'empty.json' holds no records.")
