"""What belongs to the lead alone: stage and score, vocabularies, and the integration it came by."""

import psycopg
import pytest

from contracts.errors import ContractError
from contracts.registry import parse_source
from flows.settings import Settings
from flows.undoing import run_undo
from tests.conftest import AddSource, Import, snapshot
from tests.test_importing import rows

LEADS = """\
record id,name,phone,lead stage,lead score
r-1,Ann Lee,415-555-2671,Qualified,"1,250.50"
r-2,Bob Ray,415-555-2672,Won,87.0
r-3,Cy Fox,415-555-2673,,high
"""


def test_stage_and_score_are_read_and_come_to_rest(
    import_text: Import, connection: psycopg.Connection
) -> None:
    """A score is a number; one that is none is an issue, and the row is loaded without it."""
    import_text(LEADS)
    found = "SELECT stage, score FROM leads ORDER BY source_record_id"
    told = [
        (row["stage"], None if row["score"] is None else float(row["score"]))
        for row in rows(connection, found)
    ]
    assert told == [("Qualified", 1250.5), ("Won", 87.0), (None, None)]
    assert rows(connection, "SELECT line_no, code, field, raw FROM import_issues") == [
        {"line_no": 4, "code": "number_unreadable", "field": "score", "raw": b"high"}
    ]
    before = snapshot(connection)
    assert import_text(LEADS).effects == {}
    assert snapshot(connection) == before


@pytest.mark.parametrize(
    ("field", "by_hand", "stated"), [("stage", "Lost", "Won"), ("score", "5", "88")]
)
def test_what_is_edited_by_hand_stays(
    import_text: Import,
    connection: psycopg.Connection,
    settings: Settings,
    field: str,
    by_hand: str,
    stated: str,
) -> None:
    """Whatever files say later, and when the import is undone."""
    first = import_text(LEADS)
    connection.execute(f"UPDATE leads SET {field} = %s WHERE source_record_id = 'r-1'", [by_hand])
    connection.commit()
    text = f"record id,phone,lead {field}\nr-1,415-555-2671,{stated}\n"
    import_text(text)
    held = f"SELECT {field}::text AS held FROM leads WHERE source_record_id = 'r-1'"
    assert rows(connection, held) == [{"held": by_hand}]
    run_undo(first.import_id, settings)
    assert rows(connection, held) == [{"held": by_hand}]


VOCABULARY = """\
name: stages
source_file: feed
columns:
  source_record_id: id
  phones: phone
  stage: {column: stage, words: [New, In talks, Won]}
"""


def test_a_value_outside_the_vocabulary_is_an_issue(
    import_text: Import, connection: psycopg.Connection, add_source: AddSource
) -> None:
    """Words are found however they are spelt; of others the cell is left empty, and told."""
    add_source(VOCABULARY)
    text = "id,phone,stage\n1,415-555-2671,in-talks\n2,415-555-2672,NEW\n3,415-555-2673,Gone\n"
    import_text(text, source="stages")
    found = rows(connection, "SELECT stage FROM leads ORDER BY source_record_id")
    assert [row["stage"] for row in found] == ["In talks", "New", None]
    assert rows(connection, "SELECT code, field, raw FROM import_issues") == [
        {"code": "word_unknown", "field": "stage", "raw": b"Gone"}
    ]


def test_only_texts_have_a_vocabulary() -> None:
    """A phone is no word."""
    with pytest.raises(ContractError, match="'phones' is no text"):
        parse_source("name: x\nsource_file: file\ncolumns: {phones: {column: a, words: [b]}}", "x")


EXPORT = """\
name: crm_export
source_file: feed
integration: acme_crm
id_space: acme_crm
columns: {source_record_id: id, crm_id: id, full_name: name, phones: phone, updated_at: changed}
required: [source_record_id]
"""
DELIVERIES = """\
name: crm_hook
source_file: feed
integration: acme_crm
id_space: acme_crm
columns: {source_record_id: external, crm_id: external, stage: stage, phones: tel, updated_at: at}
"""


def test_what_two_sources_of_an_integration_state_is_one_lead(
    import_text: Import, connection: psycopg.Connection, add_source: AddSource, settings: Settings
) -> None:
    """By integration and external id, each once; the newer statement holds; undo takes its own."""
    add_source(EXPORT)
    add_source(DELIVERIES)
    export = "id,name,phone,changed\n7,Ann Lee,415-555-2671,2026-01-02\n"
    import_text(export, source="crm_export")
    found = "SELECT integration_id, external_id, stage FROM leads"
    assert rows(connection, found) == [
        {"integration_id": "acme_crm", "external_id": "7", "stage": None}
    ]
    hook = import_text("external,stage,tel,at\n7,Won,415-555-2672,2026-01-03\n", source="crm_hook")
    assert hook.counts.updated == 1
    stated = {"integration_id": "acme_crm", "external_id": "7", "stage": "Won"}
    assert rows(connection, found) == [stated]
    assert rows(connection, "SELECT full_name, phone FROM personas") == [
        {"full_name": "Ann Lee", "phone": "+14155552672"}
    ]
    before = snapshot(connection)
    assert import_text(export, source="crm_export").effects == {}
    assert snapshot(connection) == before
    run_undo(hook.import_id, settings)
    assert rows(connection, found) == [stated | {"stage": None}]


def test_postgres_refuses_a_second_lead_of_an_external_id(
    import_text: Import, connection: psycopg.Connection, add_source: AddSource
) -> None:
    """The index itself, whatever else the row has; without an integration it says nothing."""
    add_source(EXPORT)
    import_text("id,name,phone,changed\n7,Ann Lee,415-555-2671,2026-01-02\n", source="crm_export")
    connection.execute("DROP INDEX leads_source_record_unique_idx")
    copied = (
        "INSERT INTO leads (team_id, lead_id, source, source_file, source_record_id, persona_id,"
        " import_id, line_no) SELECT team_id, 'lead_x', source, {file}, source_record_id,"
        " persona_id, import_id, line_no FROM leads WHERE lead_id <> 'lead_x'"
    )
    with (
        pytest.raises(psycopg.errors.UniqueViolation, match="leads_integration_external"),
        connection.transaction(),
    ):
        connection.execute(copied.format(file="source_file"))
    connection.execute(copied.format(file="'crm_export/default'"))


@pytest.mark.parametrize("rest", ["source_file: file", "source_file: feed\nmode: snapshot"])
def test_only_a_feed_that_is_no_full_state_comes_by_an_integration(rest: str) -> None:
    """Several contracts may name it."""
    text = f"name: x\n{rest}\nintegration: crm\nrequired: [source_record_id]\n"
    with pytest.raises(ContractError, match="several contracts may name it"):
        parse_source(text + "columns: {phones: a, source_record_id: b}", "x")
