"""What arrives in files beside people: businesses and owners, results, deliveries, shared keys."""

import itertools
import multiprocessing
import signal
import threading
from pathlib import Path

import psycopg
import pytest

from flows import teams
from flows.erasing import run_erase
from flows.importing import run_import
from flows.jobs import Request
from flows.settings import Settings
from flows.undoing import run_undo
from tests.children import FORKABLE, import_and_die
from tests.conftest import Import, snapshot

BUSINESSES = """\
Business ID,Business Name,Business Phone,Employees,Owner Name,Owner Phone,Owner Title
b-1,Acme Roofing,415-555-2671,12,Ann Lee,415-555-2672,CEO
b-1,Acme Roofing,415-555-2671,12,Bob Ray,415-555-2673,CFO
b-2,Bay Solar,,many,Ann Lee,415-555-2672,Owner
b-3,Cove Dental,415-555-2674,,,,
,Dune Labs,,,Cy Fox,415-555-2675,
b-5,,,,,,
"""


def test_a_business_list_brings_businesses_and_their_owners(
    import_text: Import, connection: psycopg.Connection
) -> None:
    """Rows count by businesses; an owner is one person, however many businesses are theirs."""
    outcome = import_text(BUSINESSES, "business_list", "businesses.csv")
    counts = outcome.counts
    assert (counts.landed, counts.inserted, counts.duplicate, counts.rejected) == (6, 4, 1, 1)
    assert outcome.effects["businesses"] == {"insert": 4}
    assert outcome.effects["personas"] == {"insert": 3}
    owners = connection.execute(
        "SELECT b.name, concat_ws(' ', p.first_name, p.last_name), o.role FROM business_owners AS o"
        " JOIN businesses AS b USING (team_id, business_id)"
        " JOIN personas AS p USING (team_id, persona_id) ORDER BY 1, 2"
    ).fetchall()
    assert owners == [
        ("Acme Roofing", "Ann Lee", "CEO"),
        ("Acme Roofing", "Bob Ray", "CFO"),
        ("Bay Solar", "Ann Lee", "Owner"),
        ("Dune Labs", "Cy Fox", None),
    ]
    issues = connection.execute(
        "SELECT line_no, code, field FROM import_issues ORDER BY 1"
    ).fetchall()
    assert issues == [(4, "number_unreadable", "employees"), (7, "column_missing", None)]
    before = snapshot(connection)
    again = import_text(BUSINESSES, "business_list", "businesses.csv")
    assert again.effects == {}
    assert (again.counts.unchanged, again.counts.duplicate, again.counts.rejected) == (4, 1, 1)
    assert {k: v for k, v in snapshot(connection).items() if k != "import_issues"} == {
        k: v for k, v in before.items() if k != "import_issues"
    }


def test_a_person_reference_is_by_id_phone_or_email(
    import_text: Import, connection: psycopg.Connection
) -> None:
    """Whoever is named is found; who is not known becomes a person, once, as the policy says."""
    import_text("name,phone,email\nAnn Lee,415-555-2671,ann@example.com\n")
    ((ann,),) = connection.execute("SELECT persona_id FROM personas").fetchall()
    outcome = import_text(
        "external_id,persona_id,phone,email,name\n"
        f"m-1,{ann},,,\n"
        "m-2,,(415) 555-2671,,\n"
        "m-3,,,ANN@example.com,\n"
        "m-4,,415-555-2699,,Zoe Fox\n"
        "m-5,,415-555-2699,,Zoe Fox\n"
        "m-6,,,,\n"
        "m-7,persona_nobody,,,\n",
        "messages",
        "messages.csv",
    )
    assert outcome.counts.inserted == 7
    assert outcome.effects["personas"] == {"insert": 1}
    rows = dict(connection.execute("SELECT external_id, persona_id FROM messages").fetchall())
    assert {rows["m-1"], rows["m-2"], rows["m-3"]} == {ann}
    assert rows["m-4"] == rows["m-5"] != ann
    assert rows["m-6"] is rows["m-7"] is None
    issues = connection.execute("SELECT line_no, code, field, raw FROM import_issues").fetchall()
    assert issues == [(8, "reference_dropped", "persona_id", b"persona_nobody")]
    assert connection.execute("SELECT count(*) FROM leads").fetchall() == [(2,)]


def test_where_the_policy_creates_nobody_a_result_is_a_reject_that_comes_in_later(
    import_text: Import, connection: psycopg.Connection
) -> None:
    """Unknown people are told; once they are known, the same file brings their results."""
    connection.execute(
        "UPDATE teams SET policy_rules ="
        " jsonb_build_object('name', 'default', 'on_missing', 'reject')"
    )
    results = "phone,provider,success\n415-555-2671,batch,yes\n"
    told = import_text(results, "skiptrace_results", "results.csv")
    assert (told.counts.landed, told.counts.rejected) == (1, 1)
    connection.execute(
        "INSERT INTO personas (team_id, phone, first_name) VALUES ('acme', '+14155552671', 'Ann')"
    )
    done = import_text(results, "skiptrace_results", "results.csv")
    assert done.effects == {"skiptrace_results": {"insert": 1}}


def test_where_the_policy_creates_nobody_a_row_that_names_somebody_unknown_waits(
    import_text: Import, connection: psycopg.Connection
) -> None:
    """Though it could be without a person; what names nobody comes in."""
    connection.execute(
        "UPDATE teams SET policy_rules ="
        " jsonb_build_object('name', 'default', 'on_missing', 'reject')"
    )
    text = "phone,external_id,status\n415-555-2671,m-1,sent\n,m-2,sent\n"
    told = import_text(text, "messages", "messages.csv")
    counts = told.counts
    assert (counts.landed, counts.rejected, counts.inserted) == (2, 1, 1), told
    assert (counts.duplicate, counts.unchanged) == (0, 0), told
    codes = connection.execute(
        "SELECT line_no, code FROM import_issues WHERE severity = 'reject'"
    ).fetchall()
    assert codes == [(2, "person_unknown")]
    assert connection.execute("SELECT external_id FROM messages").fetchall() == [("m-2",)]
    assert connection.execute("SELECT count(*) FROM personas").fetchall() == [(0,)]


def test_skip_tracing_keeps_each_answer_beside_the_person(
    import_text: Import, connection: psycopg.Connection
) -> None:
    """The vendor's row is kept whole, and a later failure does not replace it."""
    header = "First Name,Last Name,Property Address,Phone 1,Skip Trace Status,Skip Trace Date\n"
    import_text(header + "Ann,Lee,1 Elm St,415-555-2671,found,2026-01-02\n", "skiptrace", "a.csv")
    import_text(header + "Ann,Lee,1 Elm St,415-555-2671,failed,2026-02-02\n", "skiptrace", "b.csv")
    ((provider, success, at, said),) = connection.execute(
        "SELECT provider, success, processed_at::date::text, raw_response->>'Phone 1'"
        " FROM skiptrace_results"
    ).fetchall()
    assert (provider, success, at, said) == ("skiptrace", True, "2026-01-02", "415-555-2671")


def delivery(number: int, hour: int, status: str = "new", crm_id: str | None = "C-1") -> str:
    payload = f'{{"external_crm_id":{f"{chr(34)}{crm_id}{chr(34)}" if crm_id else "null"},'
    payload += f'"firstname":"Al","lead_status":"{status}"}}'
    at = f"2026-01-31T{hour:02}:00:00Z"
    return f'{{"delivery_id":"d-{number}","delivered_at":"{at}","payload":{payload}}}\n'


def test_each_delivery_is_logged_once_with_what_became_of_it(
    import_text: Import, connection: psycopg.Connection
) -> None:
    """Retries, late ones and rejected ones, too."""
    first = delivery(1, 9) + delivery(3, 11, "won") + delivery(1, 9) + delivery(4, 12, crm_id=None)
    import_text(first, "webhook_lead", "a.jsonl")
    import_text(delivery(2, 10, "sold") + delivery(1, 9), "webhook_lead", "b.jsonl")
    log = connection.execute(
        "SELECT delivery_id, status, match_type, message, persona_id IS NOT NULL"
        " FROM import_deliveries ORDER BY 1"
    ).fetchall()
    assert log == [
        ("d-1", "success", "new", "created", True),
        ("d-2", "duplicate", "source_record", "unchanged, known by source_record match", True),
        ("d-3", "success", "new", "created", True),
        ("d-4", "error", None, "rejected: no_identity", False),
    ]
    assert connection.execute("SELECT lead_status FROM leads").fetchall() == [("won",)]


def test_a_key_that_teams_share_tells_nothing_of_another_team(
    import_text: Import, connection: psycopg.Connection
) -> None:
    """Its row is a reject; what stands there is neither changed nor told."""
    teams.add_team(connection, "borea")
    import_text("external_id,body,status\nm-1,secret,sent\n", "messages", "a.csv")
    before = snapshot(connection)["messages"]
    told = import_text(
        "external_id,body,status\nm-1,ours,read\nm-2,ours,read\n", "messages", "b.csv", "borea"
    )
    assert (told.counts.inserted, told.counts.rejected) == (1, 1)
    assert set(before) <= set(snapshot(connection)["messages"])
    issues = connection.execute("SELECT code, message, raw FROM import_issues").fetchall()
    assert [code for code, *_ in issues] == ["key_taken"]
    assert "secret" not in str(issues)
    assert "acme" not in str(issues)


def test_two_imports_of_one_file_at_once_make_no_row_twice(
    settings: Settings, connection: psycopg.Connection, tmp_path: Path
) -> None:
    """Also of a table whose key teams share, where no lock keeps them apart."""
    teams.add_team(connection, "borea")
    path = tmp_path / "messages.csv"
    path.write_text("external_id\n" + "".join(f"m-{n}\n" for n in range(50)))
    outcomes = {}

    def do(team: str, number: int) -> None:
        (outcomes[team, number],) = run_import(Request(path, team, "messages"), settings)

    calls = [(team, number) for team in ("acme", "borea") for number in range(2)]
    threads = [threading.Thread(target=do, args=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {each.status for each in outcomes.values()} == {"done"}, outcomes
    assert sum(each.counts.inserted for each in outcomes.values()) == 50
    assert connection.execute("SELECT count(*), count(DISTINCT team_id) FROM messages").fetchall()[
        0
    ] == (50, 1)


def test_an_undo_takes_an_activity_and_the_lead_that_came_with_it(
    import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """The row is a key's, and not what an import notes of its leads."""
    text = "external_id,activity_type,phone\na-1,call,415-555-2671\n"
    outcome = import_text(text, "lead_activities", "a.csv")
    undone = run_undo(outcome.import_id, settings)
    assert undone.status == "done", undone
    count = "SELECT count(*) FROM lead_activities WHERE external_id IS NOT NULL"
    assert connection.execute(count).fetchall() == [(0,)]
    assert run_undo(undone.import_id, settings).status == "done"
    assert connection.execute(count).fetchall() == [(1,)]


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))))
def test_the_order_of_files_with_clocks_does_not_matter(
    order: tuple[int, ...], import_text: Import, connection: psycopg.Connection
) -> None:
    """A later statement of the same counts by its time, too."""
    cities = {1: "Austin", 2: "Dallas", 3: "Austin"}
    for month in order:
        text = f"external_id,source,city,updated_at\np-1,mls,{cities[month]},2026-0{month}-01\n"
        import_text(text, "properties", f"{month}.csv")
    held = connection.execute("SELECT city, stated_at::date::text FROM properties").fetchall()
    assert held[0][0] == "Austin"


def test_without_clocks_a_value_goes_back(
    import_text: Import, connection: psycopg.Connection
) -> None:
    """The last file's word holds; the same file again writes nothing."""
    for number, status in enumerate(("active", "paused", "active")):
        import_text(f"name,status\nCRM,{status}\n", "integrations", f"{number}.csv")
    assert connection.execute("SELECT status FROM integrations").fetchall() == [("active",)]
    before = snapshot(connection)
    assert import_text("name,status\nCRM,active\n", "integrations", "2.csv").effects == {}
    assert snapshot(connection) == before


def test_what_no_column_can_hold_is_told_of_its_row_alone(
    import_text: Import, connection: psycopg.Connection
) -> None:
    """A number too large is an issue, a key too long a reject; the other rows come in."""
    text = f"source_record_id,name,employees\nb-1,Acme,{'9' * 20}\n{'b' * 6000},Bay,3\nb-3,Cove,4\n"
    outcome = import_text(text, "businesses", "b.csv")
    assert (outcome.counts.inserted, outcome.counts.rejected) == (2, 1), outcome
    issues = connection.execute("SELECT line_no, code FROM import_issues ORDER BY 1").fetchall()
    assert issues == [(2, "number_unreadable"), (3, "id_too_long")]
    found = connection.execute("SELECT name, employees FROM businesses ORDER BY 1").fetchall()
    assert found == [("Acme", None), ("Cove", 4)]


@pytest.mark.parametrize(
    "point",
    [
        *("write personas insert", "write businesses insert", "write business_owners insert"),
        *("write businesses update", "write row_statements insert", "before COMMIT"),
        "after COMMIT",
    ],
)
def test_killed_anywhere_an_import_is_whole_or_not_there(
    point: str,
    settings: Settings,
    connection: psycopg.Connection,
    import_text: Import,
    tmp_path: Path,
) -> None:
    """And the file again leaves what one clean import leaves."""
    import_text(BUSINESSES.replace(",12,", ",9,"), "business_list", "list.csv")
    before = _rows_of_businesses(connection)
    path = tmp_path / "new" / "list.csv"
    path.parent.mkdir()
    path.write_text(BUSINESSES + "b-6,Elm Inc,,,Dee Poe,415-555-2676,\n")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(FORKABLE)
    heard, tell = context.Pipe(duplex=False)
    arguments = (settings, path, "acme", "business_list", point, tell)
    process = context.Process(target=import_and_die, args=arguments)
    process.start()
    process.join()
    heard.close()
    assert process.exitcode == -signal.SIGKILL
    left = _rows_of_businesses(connection)
    assert (left == before) == (point != "after COMMIT")
    again = import_text(path.read_text(), "business_list", "list.csv")
    assert again.status == "done", again
    assert bool(again.effects) == (point != "after COMMIT")
    assert _rows_of_businesses(connection) == [
        ("Acme Roofing", 12, "Ann Lee"),
        ("Acme Roofing", 12, "Bob Ray"),
        ("Bay Solar", None, "Ann Lee"),
        ("Cove Dental", None, None),
        ("Dune Labs", None, "Cy Fox"),
        ("Elm Inc", None, "Dee Poe"),
    ]


def _rows_of_businesses(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    return connection.execute(
        "SELECT b.name, b.employees, p.full_name FROM businesses AS b"
        " LEFT JOIN business_owners AS o USING (team_id, business_id)"
        " LEFT JOIN personas AS p USING (team_id, persona_id) ORDER BY 1, 3"
    ).fetchall()


def test_who_is_erased_goes_from_every_table(
    import_text: Import, connection: psycopg.Connection, settings: Settings
) -> None:
    """Rows about them go; what is only theirs by the way stays without them."""
    import_text("name,phone\nAnn Lee,415-555-2671\nBob Ray,415-555-2672\n")
    rows = "phone,external_id,body\n415-555-2671,m-1,Hi Ann\n415-555-2672,m-2,Hi Bob\n"
    import_text(rows, "messages", "messages.csv")
    import_text(rows.replace("Hi", "Yo"), "messages", "later.csv")
    import_text("phone,external_id,source,city\n415-555-2671,p-1,mls,Reno\n", "properties", "p.csv")
    import_text("phone,total_score\n415-555-2671,5\n", "unified_lead_cards", "cards.csv")
    queued = "phone,agent,channel\n415-555-2671,sam,sms\n"
    import_text(queued, "campaign_queue", "queue.csv")
    import_text("source_record_id,name,phone\nb-1,Lee & Co,415-555-2671\n", "businesses", "b.csv")
    import_text("source_record_id,name,phone\nb-2,Li Inc,415-555-2671\n", "businesses", "b.csv")
    import_text(
        "source_record_id,name,phone,city\nb-2,Li,415-555-2671,Reno\n", "businesses", "b.csv"
    )
    ((ann,),) = connection.execute(
        "SELECT persona_id FROM personas WHERE first_name = 'Ann'"
    ).fetchall()
    run_erase(ann, settings)
    assert connection.execute("SELECT external_id FROM messages").fetchall() == [("m-2",)]
    assert connection.execute("SELECT city, persona_id FROM properties").fetchall() == [
        ("Reno", None)
    ]
    businesses = connection.execute("SELECT name, phone, city FROM businesses ORDER BY name")
    assert businesses.fetchall() == [("Lee & Co", None, None), ("Li", None, "Reno")]
    said = "SELECT cells->>'name' FROM row_statements WHERE table_name = 'businesses' ORDER BY 1"
    assert connection.execute(said).fetchall() == [("Li",), ("Li Inc",)]
    for table in ("unified_lead_cards", "campaign_queue"):
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchall() == [(0,)]
    words = f"Ann|14155552671|{ann}"
    left = connection.execute(
        "SELECT count(*) FROM row_statements WHERE cells::text ~ %s", [words]
    ).fetchall()
    assert left == [(0,)]
    # Nor does the same file bring them back.
    again = import_text(
        "source_record_id,name,phone\nb-1,Lee & Co,415-555-2671\n", "businesses", "b.csv"
    )
    assert again.effects == {}
    assert again.counts.unchanged == 1


@pytest.mark.parametrize(
    ("text", "code", "field", "value"),
    [
        ("external_id,status\nm-1,lost\n", "word_unknown", "status", None),
        ("external_id,sent_at\nm-1,yesterday\n", "time_unreadable", "sent_at", None),
        ('external_id,body\nm-1,"=cmd|x!A"\n', "cell_formula", "body", "=cmd|x!A"),
    ],
)
def test_a_damaged_cell_is_an_issue_and_its_row_is_loaded(
    text: str,
    code: str,
    field: str,
    value: str | None,
    import_text: Import,
    connection: psycopg.Connection,
) -> None:
    """The cell is empty, or kept as text, and what stood there is told."""
    outcome = import_text(text, "messages", "m.csv")
    assert outcome.counts.inserted == 1
    assert connection.execute("SELECT code, field FROM import_issues").fetchall() == [(code, field)]
    assert connection.execute(f"SELECT {field} FROM messages").fetchall() == [(value,)]
