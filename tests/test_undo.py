"""Undo: what is taken back, what is kept and told, and what is refused."""

import multiprocessing
import signal
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from contracts.errors import WrongCallError
from contracts.registry import load_policy, parse_policy
from flows import acts, ledger, refolding, teams
from flows.deciding import decide_typed
from flows.erasing import run_erase
from flows.finding import find_person
from flows.jobs import Outcome
from flows.refolding import run_refold
from flows.settings import Settings
from flows.undoing import run_undo
from tests.children import FORKABLE, undo_and_die
from tests.conftest import AddSource, Import, snapshot
from tests.states import check_claims, fetch, people
from tests.test_undo_promises import changes, state
from transforms.pair_ids import pair_id

LIST = "id,crm_id,first_name,last_name,phone,email,city,status,updated_at,unsubscribed\n"
ONE, TWO = "+14155552671", "+14155552672"
A = LIST + f"a1,,Ann,Lee,{ONE},ann@x.example,Bonn,new,2026-01-01,\n"


def undo(settings: Settings, outcome: Outcome, **options: bool) -> Outcome:
    """Undo an import; it must be done."""
    done = run_undo(outcome.import_id, settings, **options)
    assert done.status == "done", done.reason
    return done


def last_import(connection: psycopg.Connection) -> str:
    (row,) = fetch(connection, "SELECT import_id FROM imports ORDER BY commit_no DESC LIMIT 1")
    return str(row["import_id"])


def bridge_two(import_text: Import) -> Outcome:
    """Import two people of one name, and then a record that connects them."""
    import_text(A, name="a.csv")
    import_text(LIST + "b1,,Ann,Lee,,ann@y.example,Rome,,2026-02-01,\n", name="b.csv")
    return import_text(LIST + f"c1,,Ann,Lee,{ONE},ann@y.example,,,2026-02-01,\n", name="c.csv")


def name_pair(connection: psycopg.Connection) -> str:
    """By what commands call the only pair that waits."""
    (pair,) = fetch(connection, "SELECT * FROM merge_candidates")
    return pair_id((pair["left_id"], pair["right_id"]))


def test_a_dry_run_tells_what_the_undo_does_and_writes_nothing(
    settings: Settings, connection: psycopg.Connection, import_text: Import
) -> None:
    """The same effects, and the ledger is as it was."""
    import_text(A, name="a.csv")
    second = import_text(
        A + f"a2,,Bob,Moss,{TWO},bob@x.example,Rome,won,2026-02-01,\n", name="a.csv"
    )
    before = snapshot(connection)
    imports = fetch(connection, "SELECT * FROM imports ORDER BY import_id")
    dry = run_undo(second.import_id, settings, is_dry_run=True)
    assert (dry.status, snapshot(connection)) == ("dry_run", before)
    assert fetch(connection, "SELECT * FROM imports ORDER BY import_id") == imports
    assert dry.changes is not None
    assert dry.changes.counts["persona"] == {"remove": 1}
    assert dry.changes.counts["lead"] == {"remove": 1}
    assert undo(settings, second).effects == dry.effects
    entry = ledger.find_import(connection, second.import_id)
    assert entry.undone_by_import_id == last_import(connection)
    assert ledger.find_import(connection, last_import(connection)).cause == "undo"


def test_what_cannot_be_undone_is_refused(
    settings: Settings, connection: psycopg.Connection, import_text: Import
) -> None:
    """In one sentence each, and without a line in the ledger."""
    first = import_text(A, name="a.csv")
    held = import_text("nothing,known\n1,2\n", name="b.csv", source="auto")
    with pytest.raises(WrongCallError, match="is held, not done"):
        run_undo(held.import_id, settings)
    with pytest.raises(WrongCallError, match="There is no import"):
        run_undo("import_nobody", settings)
    done = undo(settings, first)
    with pytest.raises(WrongCallError, match=f"leadfold undo {done.import_id}"):
        run_undo(first.import_id, settings)
    redo = undo(settings, done)
    with pytest.raises(WrongCallError, match="is undone already"):
        run_undo(done.import_id, settings)
    again = undo(settings, first)
    with pytest.raises(WrongCallError, match=f"leadfold undo {again.import_id}"):
        run_undo(redo.import_id, settings)
    connection.execute(
        "UPDATE imports SET is_undoable = false WHERE import_id = %s", [again.import_id]
    )
    with pytest.raises(WrongCallError, match="not kept any more"):
        run_undo(again.import_id, settings)
    rows = fetch(connection, "SELECT count(*) AS n FROM imports WHERE cause = 'undo'")
    assert rows[0]["n"] == 3


def test_opt_outs_stay_unless_told_otherwise(
    settings: Settings, connection: psycopg.Connection, import_text: Import
) -> None:
    """With the option they go, but for what a later file of the feed may have said again."""
    first = import_text(A.replace(",\n", ",true\n").replace("unsubscribed,true", "unsubscribed"))
    query = "SELECT kind, value, channel FROM opt_outs"
    stated = fetch(connection, query)
    assert stated
    done = undo(settings, first)
    assert fetch(connection, query) == stated
    undo(settings, done)
    withdrawn = undo(settings, first, withdraws_opt_outs=True)
    assert not fetch(connection, query)
    undo(settings, withdrawn)
    assert sorted(map(str, fetch(connection, query))) == sorted(map(str, stated))
    import_text(A, name="list.csv")
    kept = undo(settings, first, withdraws_opt_outs=True).kept
    assert fetch(connection, query)
    assert {each["what"] for each in kept} == {"opt_out", "import"}


@pytest.mark.parametrize("judgement", ["same", "not_same"])
def test_a_judgement_is_undone(
    judgement: Any, settings: Settings, connection: psycopg.Connection, import_text: Import
) -> None:
    """As if it had not been made, with edits by hand that the merge had mixed."""
    import_text(A, name="a.csv")
    import_text(LIST + "b1,,Ann,Lee,,ann@y.example,Rome,,2026-02-01,\n", name="b.csv")
    connection.execute("UPDATE personas SET city = 'Ulm' WHERE email = 'ann@y.example'")
    connection.execute("UPDATE personas SET company = 'Moss' WHERE email = 'ann@x.example'")
    import_text(LIST + f"c1,,Ann,Lee,{ONE},ann@y.example,Oslo,,2026-02-01,\n", name="c.csv")
    before = state(connection)
    said = name_pair(connection)
    (judged,) = decide_typed(settings, teams.list_teams(connection), [(said, judgement)], "eve")
    done = state(connection)
    assert done != before
    if judgement == "same":
        (person,) = people(connection)
        assert (person.golden["city"], person.golden["company"]) == ("Ulm", "Moss")
    undone = undo(settings, judged)
    assert not changes(before, state(connection))
    undo(settings, undone)
    assert not changes(done, state(connection))
    check_claims(connection)


def test_what_was_edited_since_stays_with_whom_it_was_edited(
    settings: Settings, connection: psycopg.Connection, import_text: Import
) -> None:
    """An edit after a merge stays with the one who was merged into."""
    import_text(A, name="a.csv")
    import_text(LIST + "b1,,Ann,Lee,,ann@y.example,Rome,,2026-02-01,\n", name="b.csv")
    import_text(LIST + f"c1,,Ann,Lee,{ONE},ann@y.example,Oslo,,2026-02-01,\n", name="c.csv")
    said = name_pair(connection)
    (judged,) = decide_typed(settings, teams.list_teams(connection), [(said, "same")], "eve")
    connection.execute("UPDATE personas SET city = 'Ulm' WHERE merged_into IS NULL")
    undo(settings, judged)
    assert {person.golden["city"] for person in people(connection)} == {"Ulm", "Rome"}


def test_a_refold_is_undone_with_its_policy(
    settings: Settings,
    connection: psycopg.Connection,
    import_text: Import,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Golden records, claims and the policy are as before; a later refold has to go first."""
    import_text(A, name="a.csv")
    import_text(LIST + f"b1,,Bob,Moss,{ONE},,Rome,,2026-02-01,\n", name="b.csv")
    import_text(LIST + "c1,,Ann,Lee,,ann@x.example,Kyiv,,2026-03-01,\n", name="c.csv")
    before = state(connection)
    policy = teams.find_team(connection, "acme").policy_rules
    strict = load_policy("strict_phone")

    def refold_by(rule: str) -> Outcome:
        changed = strict.model_copy(update={"survive": {**strict.survive, "city": rule}})
        policy = parse_policy(changed.model_dump_json())
        monkeypatch.setattr(refolding, "load_policy", lambda _: policy)
        return run_refold("acme", settings)

    refold = refold_by("oldest")
    done = state(connection)
    assert done != before
    later = refold_by("longest")
    with pytest.raises(WrongCallError, match=f"leadfold undo {later.import_id}"):
        run_undo(refold.import_id, settings)
    undo(settings, later)
    undone = undo(settings, refold)
    assert not changes(before, state(connection))
    assert teams.find_team(connection, "acme").policy_rules == policy
    undo(settings, undone)
    assert not changes(done, state(connection))


@pytest.fixture
def edit_first(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], None]:
    """Has a statement run once, after an act has been planned and before it is written."""

    def edit(statement: str) -> None:
        apply, edits = acts.apply, [statement]

        def edit_and_apply(*arguments: Any) -> None:
            while edits:
                connection.execute(edits.pop())
            apply(*arguments)

        monkeypatch.setattr(acts, "apply", edit_and_apply)

    return edit


def test_an_edit_while_an_undo_is_planned_stands(
    settings: Settings,
    connection: psycopg.Connection,
    import_text: Import,
    edit_first: Callable[[str], None],
) -> None:
    """The undo plans again, and keeps it."""
    import_text(A, name="a.csv")
    second = import_text(LIST + f"b1,,Ann,Lee,{ONE},,Rome,,2026-02-01,\n", name="b.csv")
    edit_first("UPDATE personas SET company = 'Moss'")
    undo(settings, second)
    (person,) = people(connection)
    assert (person.golden["company"], person.golden["city"]) == ("Moss", "Bonn")
    assert ledger.find_import(connection, last_import(connection)).conflicts == {"row_version": 1}


def test_a_phone_that_is_stated_by_hand_while_it_is_withdrawn_stays(
    settings: Settings,
    connection: psycopg.Connection,
    import_text: Import,
    edit_first: Callable[[str], None],
) -> None:
    """The undo takes a claim of somebody who stays as she is; by hand it becomes her phone."""
    import_text(A, name="a.csv")
    second = import_text(
        LIST + f"b1,,Ann,Lee,{TWO},ann@x.example,Bonn,new,2025-01-01,\n", name="b.csv"
    )
    edit_first(f"UPDATE personas SET phone = '{TWO}'")
    undo(settings, second)
    entry = ledger.find_import(connection, last_import(connection))
    assert entry.conflicts == {"row_version": 1}
    (person,) = people(connection)
    assert person.golden["phone"] == TWO
    assert person.identities["phone", TWO]


@pytest.mark.parametrize(
    "point",
    [
        *("write personas delete", "write leads delete", "write undone_leads insert"),
        *("before COMMIT", "after COMMIT"),
    ],
)
def test_a_kill_leaves_all_of_an_undo_or_nothing(
    point: str, settings: Settings, connection: psycopg.Connection, import_text: Import
) -> None:
    """And the next one does what one clean undo does; the ledger tells that the first died."""
    import_text(A, name="a.csv")
    before = state(connection)
    second = import_text(LIST + f"b1,,Bob,Moss,{TWO},,Rome,,2026-02-01,\n", name="b.csv")
    after = state(connection)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(FORKABLE)
    process = context.Process(target=undo_and_die, args=(settings, second.import_id, point))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    if point == "after COMMIT":
        assert not changes(before, state(connection))
        with pytest.raises(WrongCallError, match="is undone already"):
            undo(settings, second)
        return
    assert not changes(after, state(connection))
    undo(settings, second)
    assert not changes(before, state(connection))
    rows = fetch(connection, "SELECT status FROM imports WHERE cause = 'undo' ORDER BY import_id")
    assert [row["status"] for row in rows] == ["failed", "done"]


def test_a_statement_that_a_later_file_repeats_is_that_files(
    settings: Settings, connection: psycopg.Connection, import_text: Import
) -> None:
    """The nightly file of a feed says again what the first said: the first is undone, all stays."""
    first = import_text(A, name="a.csv")
    second = import_text(A + f"a2,,Bob,Moss,{TWO},,Rome,,2026-02-01,\n", name="a.csv")
    before = state(connection)
    undone = undo(settings, first)
    assert [row["import_id"] for row in fetch(connection, "SELECT import_id FROM leads")] == [
        second.import_id
    ] * 2
    assert len(people(connection)) == 2
    undo(settings, second)
    assert not people(connection)
    undo(settings, undone)
    assert [person.golden["first_name"] for person in people(connection)] == ["Ann"]
    assert before != state(connection)


def test_who_was_joined_only_by_what_is_undone_is_told(
    settings: Settings, connection: psycopg.Connection, import_text: Import
) -> None:
    """They stay one, and the undo says so."""
    import_text(A, name="a.csv")
    bridge = import_text(LIST + f"b1,,Ann,Lee,{ONE},ann@y.example,,,,\n", name="b.csv")
    import_text(LIST + "c1,,Ann,Lee,,ann@y.example,,,,\n", name="c.csv")
    (kept,) = undo(settings, bridge).kept
    assert (kept["field"], kept["value"]) == ("leads", "generic/a.csv a1, generic/c.csv c1")
    assert f"--unmerge {kept['id']}" in kept["why"]
    assert len(people(connection)) == 1


def test_a_pair_that_was_judged_and_undone_waits_again(
    settings: Settings, connection: psycopg.Connection, import_text: Import
) -> None:
    """Its file is undone, the judgement is undone, and the file's undo is undone."""
    bridge = bridge_two(import_text)
    before = state(connection)
    said = name_pair(connection)
    (judged,) = decide_typed(settings, teams.list_teams(connection), [(said, "same")], "eve")
    undone = undo(settings, bridge)
    undo(settings, judged)
    assert not fetch(connection, "SELECT * FROM merge_candidates")
    undo(settings, undone)
    assert not changes(before, state(connection))


def test_people_whom_a_judgement_joined_are_not_said_to_be_joined_by_what_is_undone(
    settings: Settings, connection: psycopg.Connection, import_text: Import
) -> None:
    """The judgement stands."""
    bridge = bridge_two(import_text)
    said = name_pair(connection)
    decide_typed(settings, teams.list_teams(connection), [(said, "same")], "eve")
    assert undo(settings, bridge).kept == []
    assert len(people(connection)) == 1


def test_who_was_only_in_what_is_undone_is_told_by_the_undo(
    settings: Settings, connection: psycopg.Connection, import_text: Import
) -> None:
    """Whoever looks for the person learns how to have it again; and may erase it all the same."""
    import_text(A, name="a.csv")
    second = import_text(LIST + f"b1,,Zebulon,Moss,{TWO},zeb@y.example,Rome,,,\n", name="b.csv")
    done = undo(settings, second)
    for text in (TWO, "zeb@y.example", "b1"):
        with pytest.raises(WrongCallError, match=f"leadfold undo {done.import_id}"):
            find_person(connection, text, None)
    run_erase("zeb@y.example", settings)
    for (table,) in connection.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    ).fetchall():
        query = f"SELECT count(*) AS n FROM {table} AS t WHERE t::text ~* 'zeb|5552672|Rome'"
        assert fetch(connection, query)[0]["n"] == 0, table
    undo(settings, done)
    assert [person.golden["first_name"] for person in people(connection)] == ["Ann"]


CROWD = LIST + f"1,,Ann,Lee,{ONE},ann@x.example,,,,\n2,,Bob,Moss,{ONE},,,,,\n"
# Four names, but three people: two records are one by their CRM id.
CROWDED = LIST + f"3,700,Cid,Kahn,{ONE},,,,,\n4,700,Cid,Poe,{ONE},,,,,\n"


@pytest.mark.parametrize(
    "text",
    [
        LIST + "9,,Ann,Lee,,ann@x.example,,,,\n",
        LIST + f"9,,Eve,Zola,{ONE},,,,,\n7,,Fay,Ives,{ONE},,,,,\n",
    ],
)
def test_a_shared_value_stays_one_though_another_file_is_undone(
    text: str, settings: Settings, connection: psycopg.Connection, import_text: Import
) -> None:
    """With its number of people, whatever made it one."""
    import_text(CROWD, name="a.csv")
    crowded = import_text(CROWDED, name="b.csv")
    before = state(connection)
    undo(settings, import_text(text, name="c.csv"))
    assert not changes(before, state(connection))
    undone = undo(settings, crowded)
    query = "SELECT guard FROM merge_candidates"
    assert {row["guard"] for row in fetch(connection, query)} == {"name"}
    undo(settings, undone)
    assert not changes(before, state(connection))


def test_a_file_that_repeated_what_was_undone_brings_it_back_with_itself(
    settings: Settings, connection: psycopg.Connection, import_text: Import
) -> None:
    """Both are undone, then the undo of the later one is: it had said both records."""
    first = import_text(A, name="a.csv")
    second = import_text(A + f"a2,,Bob,Moss,{TWO},,Rome,,2026-02-01,\n", name="a.csv")
    undone = undo(settings, second)
    undo(settings, first)
    assert not people(connection)
    undo(settings, undone)
    assert {person.golden["first_name"] for person in people(connection)} == {"Ann", "Bob"}


def test_who_is_missing_from_a_later_snapshot_too_stays_ended(
    settings: Settings, connection: psycopg.Connection, import_text: Import, add_source: AddSource
) -> None:
    """Though the snapshot that ended him is undone."""
    add_source(
        "name: dump\nentity: person\nsource_file: feed\nmode: snapshot\nrecognised_by: [Id]\n"
        "required: [source_record_id]\n"
        "columns: {source_record_id: Id, first_name: Name, phones: Phone}\n"
    )
    connection.execute("UPDATE teams SET policy_rules = policy_rules || '{\"max_delete_rate\": 1}'")
    head = "Id,Name,Phone\n"
    import_text(head + f"71,Ann,{ONE}\n72,Bob,{TWO}\n", "dump", "1.csv")
    second = import_text(head + f"71,Ann,{ONE}\n", "dump", "2.csv")
    import_text(head + f"71,Ann,{ONE}\n73,Cid,+14155552673\n", "dump", "3.csv")
    query = "SELECT source_record_id, is_missing FROM leads ORDER BY 1"
    before = fetch(connection, query)
    undo(settings, second)
    assert fetch(connection, query) == before
    assert [row["is_missing"] for row in before] == [False, True, False]
