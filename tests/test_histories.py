"""The history of a person: who changed what, when, by which import."""

from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest

from flows.events import Event, FieldChange
from flows.explaining import as_of_now
from flows.finding import find_person
from flows.histories import History, tell_history
from flows.history_report import history_lines, to_json
from flows.settings import Settings
from flows.terminal import make_console
from tests.conftest import AddSource, Import
from tests.test_explaining import merge_two
from tests.test_survive import EMAIL, state

Tell = Callable[..., History]


@pytest.fixture
def tell(connection: psycopg.Connection, settings: Settings) -> Tell:
    """Tells the history of whom a text means."""

    def do(who: str = EMAIL, used: Settings = settings) -> History:
        with as_of_now(connection):
            return tell_history(connection, find_person(connection, who, "acme"), used)

    return do


def shape(event: Event) -> tuple[str, str | None, dict[str, tuple[str | None, str | None]]]:
    changes = {each.field: (each.before, each.after) for each in event.changes}
    return event.what, event.file_name, changes


def test_imports_and_edits_stand_in_the_order_of_commits(
    connection: psycopg.Connection, import_text: Import, tell: Tell
) -> None:
    """Creation with its values, changes with before and after, edits by hand between them."""
    state(import_text, "generic", "1", "Bonn", "2026-01-01", "a.csv")
    state(import_text, "hubspot", "2", "Rome", "2026-02-01", "h.csv")
    connection.execute("UPDATE personas SET company = 'Acme'")
    state(import_text, "generic", "3", "Ulm", "2026-03-01", "c.csv")
    state(import_text, "generic", "4", "", "2026-03-01", "d.csv")
    events = tell().events
    assert [shape(each) for each in events] == [
        ("created", "a.csv", {"email": (None, EMAIL), "city": (None, "Bonn")}),
        ("update", "h.csv", {"crm_id": (None, "2"), "city": ("Bonn", "Rome")}),
        ("edited", None, {"company": (None, "Acme")}),
        ("update", "c.csv", {"city": ("Rome", "Ulm")}),
        ("stated", "d.csv", {}),
    ]
    assert [each.commit_no for each in events] == [1, 2, None, 3, 4]
    assert [each.by == "by hand" for each in events] == [False, False, True, False, False]
    assert [[record.line_no for record in each.records] for each in events] == [
        [2], [2], [], [2], [2],
    ]  # fmt: skip
    assert events[1].changes[1] == FieldChange("city", "Bonn", "Rome", "newest", "hubspot", "2")


def test_a_merge_is_told_with_the_lives_of_both(
    connection: psycopg.Connection, import_text: Import, tell: Tell
) -> None:
    """Whichever id is asked for."""
    merge_two(connection, import_text)
    (gone,) = connection.execute(
        "SELECT persona_id FROM personas WHERE merged_into IS NOT NULL"
    ).fetchall()[0]
    told = tell(gone)
    assert told.merged_ids == (gone,)
    assert told.events == tell().events
    assert [(each.what, each.persona_id == gone) for each in told.events] == [
        ("created", False),
        ("created", True),
        ("merge", False),
        ("merge", True),
    ]
    says = {each.says for each in told.events if each.what == "merge"}
    assert says == {f"merged into {told.found.persona_id}", "took over 1 of another's records"}


def test_candidates_and_judgements_are_told(
    connection: psycopg.Connection, import_text: Import, tell: Tell
) -> None:
    """Who may be one, why they are two, and who said so."""
    head = "id,first_name,phone\n"
    import_text(f"{head}1,Ann,415-555-2671\n2,Bob,415-555-2671\n", name="a.csv")
    connection.execute(
        "UPDATE merge_candidates SET judgement = 'not_same', judged_by = 'Ada', judged_at = now()"
    )
    (ann,) = connection.execute(
        "SELECT persona_id FROM personas WHERE first_name = 'Ann'"
    ).fetchall()[0]
    created, candidate, judged = tell(ann).events
    assert created.what == "created"
    assert candidate.says.endswith(
        "they share the phone +14155552671, but their first names contradict"
    )
    assert (judged.what, judged.by) == ("judged", "Ada")
    assert judged.says.endswith("are not the same")


def test_an_undone_import_is_told_with_its_undo(
    connection: psycopg.Connection, import_text: Import, tell: Tell
) -> None:
    """The import stays in the history, marked."""
    state(import_text, "generic", "1", "Bonn", "2026-01-01", "a.csv")
    wrong = state_outcome(import_text)
    connection.execute(
        "INSERT INTO imports (import_id, team_id, source, source_file, file_name, cause, status,"
        " started_by, finished_at, commit_no, undoes_import_id)"
        " VALUES ('import_undo', 'acme', 'undo', 'undo', 'undo of x.csv', 'undo', 'done', 'Ada',"
        " now(), 3, %s)",
        [wrong],
    )
    connection.execute(
        "UPDATE imports SET undone_by_import_id = 'import_undo' WHERE import_id = %s", [wrong]
    )
    events = tell().events
    assert [(each.what, each.cause, each.undone_by) for each in events] == [
        ("created", "file", None),
        ("update", "file", "import_undo"),
        ("undone", "undo", None),
    ]
    assert events[2].by == "Ada"


def state_outcome(import_text: Import) -> str:
    return import_text(
        f"id,email,city,updated_at\n1,{EMAIL},Ulm,2026-02-01\n", name="a.csv"
    ).import_id


def test_who_was_put_in_by_hand_begins_so(connection: psycopg.Connection, tell: Tell) -> None:
    """There is no import to name."""
    connection.execute("INSERT INTO personas (team_id, email) VALUES ('acme', %s)", [EMAIL])
    first, *rest = tell().events
    assert (first.by, first.says, first.import_id) == ("by hand", "put in by hand", None)
    assert [each.what for each in rest] == ["edited"]


def test_a_chat_is_linked_where_a_template_is_set(
    add_source: AddSource, import_text: Import, settings: Settings, tell: Tell
) -> None:
    """Its id is escaped, for it comes from outside; without a template the id is shown."""
    add_source(
        "name: chat\nsource_file: feed\ncolumns:\n  source_record_id: id\n  emails: mail\n"
        "  conversation_id: chat\n"
    )
    import_text(f"id,mail,chat\n1,{EMAIL},a/1\n", "chat", name="c.csv")
    used = replace(settings, conversation_url="https://x.example/{conversation_id}?a=b")
    (record,) = tell(used=used).events[0].records
    assert record.conversation_url == "https://x.example/a%2F1?a=b"
    (record,) = tell().events[0].records
    assert (record.conversation_id, record.conversation_url) == ("a/1", None)
    assert "chat: a/1" in shown(tell())


def test_json_has_the_keys_that_are_promised(
    connection: psycopg.Connection, import_text: Import, tell: Tell
) -> None:
    """Scripts rely on them; the docstring names them."""
    state(import_text, "generic", "1", "Bonn", "2026-01-01", "a.csv")
    said = to_json(tell())
    event = said["events"][0]
    for keys in (said, event, event["changes"][0], event["records"][0]):
        for key in keys:
            assert f"``{key}``" in (to_json.__doc__ or ""), key
    assert "city   Bonn" in shown(tell())


def shown(told: History) -> str:
    console = make_console()
    with console.capture() as captured:
        for line in history_lines(told):
            console.print(line)
    return captured.get()
