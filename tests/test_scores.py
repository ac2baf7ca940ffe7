"""The score on a person's card: declared by the policy, computed by imports, told by ``why``."""

import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from click.testing import CliRunner

from contracts.errors import ContractError
from contracts.registry import load_policy, parse_policy
from contracts.score import Score
from flows.cli import leadfold
from flows.refolding import run_refold
from flows.settings import Settings
from flows.undoing import run_undo
from flows.unmerging import run_unmerge
from tests.conftest import Import, snapshot

SCORE = {
    "has": {"phone": 20, "email": 15.5, "tags": 1},
    "source": {"generic": 2, "hubspot": 10},
    "status": {"Hot": 30, "lost": -50},
    "recent": {"7": 9, "30": 4},
}
NOW = datetime.now(UTC)
PEOPLE = f"""\
record id,name,phone,email,status,tags,updated_at
r-1,Ann Lee,415-555-2671,ann@example.com,HOT,vip,{NOW - timedelta(days=2):%Y-%m-%d}
r-2,Bob Ray,415-555-2672,,lost,,{NOW - timedelta(days=20):%Y-%m-%d}
r-3,Cy Fox,,cy@example.com,,,2020-01-01
"""


@pytest.fixture(autouse=True)
def policy(connection: psycopg.Connection) -> None:
    """The policy of team acme, with a score."""
    connection.execute(
        "UPDATE teams SET policy_rules = %s",
        [json.dumps({"name": "default", "score": SCORE})],
    )


def scores(connection: psycopg.Connection) -> dict[str, float]:
    """First name -> total score, of the live."""
    found = connection.execute(
        "SELECT p.first_name, c.total_score FROM unified_lead_cards AS c"
        " JOIN personas AS p USING (team_id, persona_id) WHERE p.merged_into IS NULL"
    ).fetchall()
    return {name: float(score) for name, score in found}


@pytest.mark.parametrize("few", [0, 1000])
def test_whoever_an_import_brings_has_a_card_with_a_score(
    few: int, import_text: Import, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lone people, and those who meet somebody, alike; the same file again writes nothing."""
    monkeypatch.setattr("transforms.lone.FEW_RECORDS", few)
    outcome = import_text(PEOPLE)
    assert scores(connection) == {
        "Ann": 20 + 15.5 + 1 + 2 + 30 + 9,
        "Bob": 20 + 2 - 50 + 4,
        "Cy": 15.5 + 2,
    }
    assert outcome.effects["unified_lead_cards"] == {"insert": 3}
    before = snapshot(connection)
    assert import_text(PEOPLE).effects == {}
    assert snapshot(connection) == before


def test_a_change_scores_anew_and_an_undo_brings_the_old_score_back(
    import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """Another source's record counts, too; what else stands on the card stays."""
    import_text(PEOPLE)
    first = scores(connection)
    import_text("phone,enrichment_status\n415-555-2671,enriched\n", "unified_lead_cards", "c.csv")
    export = "Record ID - Contact,First Name,Last Name,Phone Number,Email,Lifecycle Stage\n"
    outcome = import_text(f"{export}77,Ann,Lee,415-555-2671,,lead\n", "hubspot", "h.csv")
    assert scores(connection) == {**first, "Ann": first["Ann"] + 10}
    card = connection.execute(
        "SELECT enrichment_status FROM unified_lead_cards WHERE enrichment_status IS NOT NULL"
    ).fetchall()
    assert card == [("enriched",)]
    run_undo(outcome.import_id, settings)
    assert scores(connection) == first


def test_an_undo_of_the_first_of_two_scores_by_what_the_second_says(
    import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """Who is known by another record keeps a card; its undo brings the score back."""
    first = import_text(PEOPLE)
    export = "Record ID - Contact,First Name,Last Name,Phone Number,Email,Lifecycle Stage\n"
    import_text(f"{export}77,Ann,Lee,415-555-2671,,lead\n", "hubspot", "h.csv")
    before = scores(connection)
    undone = run_undo(first.import_id, settings)
    assert scores(connection) == {"Ann": 20 + 10}
    run_undo(undone.import_id, settings)
    assert scores(connection) == before


def test_a_score_that_an_undo_leaves_as_it_was_stays(
    import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """Somebody else says it now, and a later file of cards does not take it along."""
    first = import_text(PEOPLE)
    import_text(PEOPLE, name="other.csv")
    before = scores(connection)
    run_undo(first.import_id, settings)
    assert scores(connection) == before
    cards = "phone,enrichment_status\n415-555-2671,"
    import_text(f"{cards}pending\n", "unified_lead_cards", "c.csv")
    later = import_text(f"{cards}enriched\n", "unified_lead_cards", "d.csv")
    assert scores(connection) == before
    run_undo(later.import_id, settings)
    assert scores(connection) == before


def test_a_refold_scores_everybody_by_the_rules_as_they_are_now(
    import_text: Import,
    connection: psycopg.Connection,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Run again, it writes nothing; undone, the scores are what they were."""
    import_text(PEOPLE)
    before = scores(connection)
    rules = load_policy("default").model_copy(update={"score": Score(has={"phone": 7})})
    monkeypatch.setattr("flows.refolding.load_policy", lambda name: rules)
    outcome = run_refold("acme", settings)
    assert outcome.effects["unified_lead_cards"] == {"update": 3}
    assert scores(connection) == {"Ann": 7, "Bob": 7, "Cy": 0}
    assert "unified_lead_cards" not in run_refold("acme", settings).effects
    run_undo(outcome.import_id, settings)
    assert scores(connection) == before


def test_people_who_are_taken_apart_score_by_what_is_theirs(
    import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """Each part has a card of its own; judged to be one again, they score as one."""
    import_text(PEOPLE)
    import_text("record id,name,phone,tags\nx-1,Ann Lee,415-555-2671,\n", name="other.csv")
    together = scores(connection)["Ann"]
    ((ann,),) = connection.execute(
        "SELECT persona_id FROM personas WHERE first_name = 'Ann'"
    ).fetchall()
    connection.commit()
    run_unmerge(ann, settings, by="source")
    apart = sorted(
        float(score)
        for (score,) in connection.execute(
            "SELECT total_score FROM unified_lead_cards JOIN personas USING (team_id, persona_id)"
            " WHERE first_name = 'Ann'"
        )
    )
    assert apart == [22, together]


def test_why_tells_what_makes_the_score(
    import_text: Import,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each part with its points, and the sum."""
    import_text(PEOPLE)
    monkeypatch.setenv("LEADFOLD_HOME", str(settings.home))
    monkeypatch.setenv("LEADFOLD_DATABASE_URL", settings.database_url)
    shown = CliRunner().invoke(leadfold, ["why", "ann@example.com", "--team", "acme"]).output
    assert "Score 77.5: status hot 30, has phone 20, has email 15.5, within 7 days 9" in shown
    told = CliRunner().invoke(leadfold, ["why", "ann@example.com", "--team", "acme", "--json"])
    assert json.loads(told.output)["score"]["total"] == 77.5


def test_without_a_score_in_the_policy_there_are_no_cards(
    import_text: Import, connection: psycopg.Connection
) -> None:
    """Nor does an import pay for them."""
    connection.execute("UPDATE teams SET policy_rules = NULL")
    import_text(PEOPLE)
    assert scores(connection) == {}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("has: {phne: 1}", "Did you mean 'phone'?"),
        ("recent: {0: 1}", "it must be one at least"),
        ("has: {phone: many}", "valid number"),
    ],
)
def test_a_score_that_cannot_be_is_told(said: str, told: str) -> None:
    """When the policy is read."""
    with pytest.raises(ContractError) as caught:
        parse_policy(f"name: x\nscore: {{{said}}}\n")
    assert told in str(caught.value)
