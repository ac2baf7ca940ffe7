"""On which board a lead is put: rules by team, first match wins, and a hand's choice stays."""

import json
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from contracts.board_rules import parse_board_rules
from contracts.errors import ContractError
from flows.cli import leadfold
from flows.settings import Settings
from flows.undoing import run_undo
from tests.conftest import Import, snapshot

RULES = """\
boards:
  Acme:
    rules:
      - {board: Hot solar, when: {product: Solar, lead_status: [new, hot]}}
      - {board: Solar, when: {product: [solar, pv]}}
      - {board: Webhooks, when: {lead_source: webhook}}
      - {board: "It's roofing", when: {niche: "*"}}
    default: Inbox
    types: {Hot solar: pipeline}
"""
LEADS = """\
record id,name,phone,product,status,niche
r-1,Ann Lee,415-555-2671,SOLAR,New,
r-2,Bob Ray,415-555-2672,pv,,
r-3,Cy Fox,415-555-2673,,,roofs
r-4,Di Orr,415-555-2674,,,
"""


@pytest.fixture
def rules(settings: Settings, connection: psycopg.Connection) -> Path:
    """A rules.yaml of team acme."""
    settings.home.mkdir(parents=True, exist_ok=True)
    path = settings.home / "rules.yaml"
    path.write_text(RULES)
    return path


def boards_of(connection: psycopg.Connection) -> dict[str, str | None]:
    """Record -> name of its board, as leads and boards agree."""
    return dict(
        connection.execute(
            "SELECT l.source_record_id, l.board_name FROM leads AS l LEFT JOIN boards AS b"
            " ON b.team_id = l.team_id AND b.board_id = l.board_id AND b.name = l.board_name"
            " WHERE (b.board_id IS NULL) = (l.board_name IS NULL) ORDER BY 1"
        ).fetchall()
    )


PLACED = {"r-1": "Hot solar", "r-2": "Solar", "r-3": "It's roofing", "r-4": "Inbox"}


@pytest.mark.usefixtures("rules")
def test_the_first_rule_that_fits_counts(
    import_text: Import, connection: psycopg.Connection
) -> None:
    """Of leads that meet somebody and of lone ones; boards mirror the rules; it comes to rest."""
    outcome = import_text(LEADS)
    assert boards_of(connection) == PLACED
    assert outcome.effects["boards"] == {"insert": 5}
    ((kind, told),) = connection.execute(
        "SELECT type, rules FROM boards WHERE name = 'Hot solar'"
    ).fetchall()
    assert (kind, told) == ("pipeline", [{"lead_status": ["new", "hot"], "product": ["solar"]}])
    assert connection.execute("SELECT DISTINCT lead_source FROM leads").fetchall() == [("import",)]
    ((assigned,),) = connection.execute("SELECT assigned FROM imports").fetchall()
    assert assigned == {"Hot solar": 1, "Inbox": 1, "It's roofing": 1, "Solar": 1}
    before = snapshot(connection)
    assert import_text(LEADS).effects == {}
    assert snapshot(connection) == before


@pytest.mark.usefixtures("rules")
def test_lone_leads_of_large_files_are_placed_alike(
    import_text: Import, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are planned by themselves (transforms.lone), and end where the others do."""
    monkeypatch.setattr("transforms.lone.FEW_RECORDS", 0)
    import_text(LEADS)
    assert boards_of(connection) == PLACED


@pytest.mark.usefixtures("rules")
def test_a_changed_lead_moves_and_a_board_chosen_by_hand_stays(
    import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """A change without a new board leaves it; undo brings back where it was."""
    import_text(LEADS)
    connection.execute("UPDATE leads SET board_name = 'Mine' WHERE source_record_id = 'r-2'")
    changed = LEADS.replace("SOLAR,New", "SOLAR,won").replace("pv,,", "pv,won,")
    outcome = import_text(changed)
    rows = "SELECT source_record_id, board_name FROM leads ORDER BY 1"
    placed = dict(connection.execute(rows).fetchall())
    assert placed == {**PLACED, "r-1": "Solar", "r-2": "Mine"}
    run_undo(outcome.import_id, settings)
    assert dict(connection.execute(rows).fetchall()) == {**PLACED, "r-2": "Mine"}


def test_where_no_rule_takes_a_lead_any_more_it_is_on_no_board(
    rules: Path, import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """Without a default; an undo goes by the rules, too, and spelling by more than A to Z."""
    rules.write_text("boards: {acme: {rules: [{board: Big, when: {product: Großkunde}}]}}")
    plain = "record id,phone,product\nr-1,415-555-2671,small\n"
    import_text(plain)
    assert boards_of(connection) == {"r-1": None}
    outcome = import_text(plain.replace("small", "GROßKUNDE"))
    assert boards_of(connection) == {"r-1": "Big"}
    run_undo(outcome.import_id, settings)
    assert boards_of(connection) == {"r-1": None}
    import_text(plain.replace("small", "Großkunde"), name="again.csv")
    import_text(plain, name="again.csv")
    assert set(boards_of(connection).values()) == {None}


def test_a_board_chosen_by_hand_outlives_the_undo_of_its_lead(
    rules: Path, import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """As an edited stage does; the undo says so."""
    outcome = import_text(LEADS)
    connection.execute("UPDATE leads SET board_name = 'Mine' WHERE source_record_id = 'r-2'")
    told = run_undo(outcome.import_id, settings)
    found = connection.execute("SELECT source_record_id, board_name FROM leads").fetchall()
    assert found == [("r-2", "Mine")]
    assert [(each["field"], each["value"]) for each in told.kept if each["what"] == "lead"] == [
        ("board_name", "Mine")
    ]
    assert rules.exists()


@pytest.mark.usefixtures("rules")
def test_deliveries_end_on_boards(import_text: Import, connection: psycopg.Connection) -> None:
    """By how they came; undone and done again, they are where they were."""
    payload = '{"external_crm_id":"C-1","firstname":"Al"}'
    line = f'{{"delivery_id":"d-1","delivered_at":"2026-01-31T09:00:00Z","payload":{payload}}}\n'
    import_text(line, "webhook_lead", "a.jsonl")
    assert boards_of(connection) == {"C-1": "Webhooks"}
    assert connection.execute("SELECT lead_source FROM leads").fetchall() == [("webhook",)]


def test_undone_and_done_again_a_lead_is_where_it_was(
    rules: Path, import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """Also where the undo removed it; the boards stay."""
    outcome = import_text(LEADS)
    undone = run_undo(outcome.import_id, settings)
    assert boards_of(connection) == {}
    assert connection.execute("SELECT count(*) FROM boards").fetchall() == [(5,)]
    run_undo(undone.import_id, settings)
    assert boards_of(connection) == PLACED
    assert rules.exists()


def test_changed_rules_are_mirrored_and_move_changed_leads_alone(
    rules: Path, import_text: Import, connection: psycopg.Connection
) -> None:
    """A lead that does not change stays on its board until it does."""
    import_text(LEADS)
    rules.write_text(RULES.replace("default: Inbox", "default: Attic"))
    outcome = import_text(LEADS.replace("Di Orr", "Di Ore") + "r-5,Ed Poe,415-555-2675,,,\n")
    assert boards_of(connection) == {**PLACED, "r-4": "Attic", "r-5": "Attic"}
    assert outcome.effects["boards"] == {"insert": 1}


def test_without_rules_nothing_is_placed(
    import_text: Import, connection: psycopg.Connection
) -> None:
    """Nor for a team of which the file says nothing."""
    import_text(LEADS)
    assert set(boards_of(connection).values()) == {None}
    assert connection.execute("SELECT count(*) FROM boards").fetchall() == [(0,)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("boards: {Acme: {rules: [{board: A, when: {prodct: x}}]}}", "Did you mean 'product'?"),
        ("boards: {Acme: {rules: [{board: A}]}}", "Acme: rule 1, when: Field required"),
        ("rules: []", "it must be 'boards:'"),
        ("boards: [", "not readable as YAML"),
        ("boards: {Acme: {types: {B: kanban}}}", "no rule puts anything on 'B'"),
        (
            "boards: {Acme: {rules: [{board: A, when: {product: '*'}},"
            " {board: B, when: {product: x, niche: y}}]}}",
            "rule 2 ('B') is never reached: rule 1 ('A') takes all of its leads",
        ),
    ],
)
def test_rules_that_cannot_be_are_told(text: str, said: str) -> None:
    """With team, rule and field, before anything is imported."""
    with pytest.raises(ContractError) as caught:
        parse_board_rules(text)
    assert said in str(caught.value)


def test_a_rules_file_that_is_wrong_stops_the_import(rules: Path, import_text: Import) -> None:
    """Leads are not put on wrong boards."""
    rules.write_text("boards: {Acme: {rules: [{board: A, when: {prodct: x}}]}}")
    outcome = import_text(LEADS)
    assert outcome.status == "failed"
    assert "prodct" in outcome.reason


@pytest.mark.usefixtures("rules")
def test_the_command_shows_which_rule_takes_how_many_rows(
    settings: Settings,
    connection: psycopg.Connection,
    import_text: Import,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of known rows, too; nothing is written."""
    import_text(LEADS)
    path = tmp_path / "more.csv"
    path.write_text(LEADS + "r-5,Ed Poe,,,,\n")
    monkeypatch.setenv("LEADFOLD_HOME", str(settings.home))
    monkeypatch.setenv("LEADFOLD_DATABASE_URL", settings.database_url)
    before = snapshot(connection)
    arguments = ["rules", "test", str(path), "--team", "acme", "--source", "generic"]
    told = CliRunner().invoke(leadfold, [*arguments, "--json"])
    assert told.exit_code == 0, told.output
    taken = [(each["board"], each["rows"]) for each in json.loads(told.output)]
    assert taken == [
        ("Hot solar", 1),
        ("Solar", 1),
        ("Webhooks", 0),
        ("It's roofing", 1),
        ("Inbox", 1),
    ]
    assert (
        "product: solar, lead_status: new or hot" in CliRunner().invoke(leadfold, arguments).output
    )
    assert snapshot(connection) == before
