"""One import against a real Postgres: the promises, one by one."""

import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

import flows.apply
import flows.folding
import flows.importing
import flows.trying
from contracts.errors import StalePlanError
from flows import import_issues, ledger, teams, warehouse
from flows.importing import run_import
from flows.jobs import Outcome, Request
from flows.settings import Settings
from flows.undoing import run_undo
from tests.conftest import Import, snapshot
from transforms.plan import Counts


def rows(connection: psycopg.Connection, query: str) -> list[dict[str, object]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query).fetchall()


def test_every_row_is_accounted_for(connection: psycopg.Connection, import_text: Import) -> None:
    """Each row counts once: as new, as a duplicate, or as a reject with its bytes and reason."""
    outcome = import_text(
        "id,First Name,Phone,Email,Notes\n"
        '1,Ann,415-555-2671,ann@example.com,"hi,\nthere"\n'
        "2,Bob,,bob@example.com,\n"
        "2,Bob,,bob@example.com,\n"
        "3,Zed,12,nobody at home,\n"
        "4,too,short\n"
        "5,Eve,,eve@example.com,,DO NOT CALL\n"
    )
    assert outcome.counts == Counts(landed=6, rejected=3, duplicate=1, inserted=2)
    issues = rows(
        connection, "SELECT line_no, severity, code, raw FROM import_issues ORDER BY line_no, code"
    )
    assert [(i["line_no"], i["severity"], i["code"], i["raw"]) for i in issues] == [
        (6, "issue", "email_invalid", b"nobody at home"),
        (6, "reject", "no_identity", b"3,Zed,12,nobody at home,"),
        (6, "issue", "phone_too_short", b"12"),
        (7, "reject", "too_few_fields", b"4,too,short"),
        (8, "reject", "too_many_fields", b"5,Eve,,eve@example.com,,DO NOT CALL"),
    ]
    entry = ledger.find_import(connection, outcome.import_id)
    assert entry.status == "done"
    assert entry.counts == outcome.counts


def test_the_ledger_refuses_counts_that_do_not_add_up(connection: psycopg.Connection) -> None:
    """Promise 1 is a constraint: no import can be done that lost a row."""
    with pytest.raises(psycopg.errors.CheckViolation, match="accounted_for"):
        connection.execute(
            "INSERT INTO imports (import_id, team_id, source, source_file, file_name, started_by,"
            " status, rows_landed, rows_inserted)"
            " VALUES ('i', 'acme', 's', 'f', 'n', 'b', 'done', 2, 1)"
        )


def test_the_same_file_again_writes_nothing(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """No row outside the ledger is written, moved or locked; rejects are told all the same."""
    text = (
        "id,name,phone,email,updated_at\n"
        "1,Ann,415-555-2671,,2026-01-01\n1,Ann,415-555-2672,,2026-02-01\n"
        "2,Bob,,bob@example.com,\n3,Zed,zed,,\n4,Cid,415-555-2673,c@@d,\n1,Ann,5,,never\n"
    )
    first = import_text(text)
    before = snapshot(connection)
    second = import_text(text)
    assert snapshot(connection) == before
    assert second.counts == Counts(
        landed=6, rejected=2, duplicate=1, unchanged=first.counts.inserted
    )
    assert second.match["source_record"] == 3
    entry = ledger.find_import(connection, second.import_id)
    assert entry.issues_import_id == first.import_id
    assert {issue.line_no for issue in import_issues.list_issues(connection, entry, "reject")} == {
        5,
        7,
    }


def test_a_record_with_a_rejected_row_is_told_each_time_and_written_once(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """A record of which one row is rejected keeps its counts when the file comes again."""
    text = "source_record_id,phone\n7,415-555-2671\n7,\n"
    first = import_text(text)
    before = snapshot(connection)
    second = import_text(text)
    assert first.counts == Counts(landed=2, rejected=1, inserted=1)
    assert second.counts == Counts(landed=2, rejected=1, unchanged=1)
    assert snapshot(connection) == before


def test_a_dry_run_tells_what_an_import_does_and_writes_nothing(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """The dry run has the counts of the import that follows, and leaves no trace."""
    text = "name,phone,email\nAnn,415-555-2671,\nBob,,bob@example.com\nZed,,\n"
    before = snapshot(connection)
    dry = import_text(text, is_dry_run=True)
    assert snapshot(connection) == before
    assert ledger.list_imports(connection) == []
    real = import_text(text)
    assert (dry.counts, dry.match, dry.effects) == (real.counts, real.match, real.effects)
    assert (dry.status, real.status) == ("dry_run", "done")


def test_rows_that_share_a_claim_are_one_person(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """A chain of shared phones and emails, in any spelling, ends in one persona."""
    outcome = import_text(
        "name,phone,mobile,email\n"
        "Ann,+1 415 555 2671,,\n"
        "A. Smith,(415) 555-2671,415-555-2672,\n"
        "Ann S.,,4155552672,ANN@example.com\n"
        "Ann,,,ann@example.com\n"
        "Bob,,415-555-2673,\n"
    )
    assert outcome.counts.inserted == 5
    assert outcome.match == {"source_record": 0, "crm_id": 0, "phone": 2, "email": 1, "new": 2}
    people = rows(
        connection,
        "SELECT count(*) AS leads FROM leads GROUP BY persona_id ORDER BY leads DESC",
    )
    assert [person["leads"] for person in people] == [4, 1]


def test_a_record_follows_its_crm_id_before_phone_before_email(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Where claims point to different people, the best one decides, and nobody is merged."""
    import_text("crm_id,name,phone\nC1,Carl,\n", name="a.csv")
    import_text("name,phone\nPat,415-555-2671\n", name="b.csv")
    import_text("name,email\nEve,eve@example.com\n", name="c.csv")
    outcome = import_text(
        "crm_id,name,phone,email\n"
        "C1,Carl,415-555-2671,eve@example.com\n"
        ",Pat,415-555-2671,eve@example.com\n"
        ",Eve,,eve@example.com\n",
        name="d.csv",
    )
    assert outcome.match == {"source_record": 0, "crm_id": 1, "phone": 1, "email": 1, "new": 0}
    people = rows(connection, "SELECT full_name, crm_id, phone, email FROM personas ORDER BY 1")
    assert people == [
        {"full_name": "Carl", "crm_id": "C1", "phone": None, "email": None},
        {"full_name": "Eve", "crm_id": None, "phone": None, "email": "eve@example.com"},
        {"full_name": "Pat", "crm_id": None, "phone": "+14155552671", "email": None},
    ]
    taken = rows(
        connection,
        "SELECT line_no, field, raw FROM import_issues WHERE code = 'claim_taken' ORDER BY 1, 2",
    )
    assert [(issue["line_no"], issue["field"]) for issue in taken] == [
        (2, "emails"),
        (2, "phones"),
        (3, "emails"),
    ]


def test_a_claim_that_another_person_holds_stays_there(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """A known record that comes with somebody else's phone keeps its person, without that phone."""
    import_text("id,name,phone\n1,Ann,415-555-2671\n", name="people.csv")
    import_text("id,name,phone\n2,Bob,415-555-2672\n", name="others.csv")
    outcome = import_text("id,name,phone\n1,Ann,415-555-2672\n", name="people.csv")
    assert outcome.counts.updated == 1
    assert outcome.match["source_record"] == 1
    assert rows(connection, "SELECT full_name, phone FROM personas ORDER BY 1") == [
        {"full_name": "Ann", "phone": "+14155552671"},
        {"full_name": "Bob", "phone": "+14155552672"},
    ]
    lead = rows(connection, "SELECT phones FROM leads WHERE source_record_id = '1'")
    assert lead == [{"phones": ["+14155552672"]}]


def test_a_cluster_that_meets_two_people_joins_neither_to_the_other(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """A new record linked to two stored people follows the better link; they stay two."""
    import_text("name,phone\nAnn,415-555-2671\n", name="a.csv")
    import_text("name,email\nBob,bob@example.com\n", name="b.csv")
    outcome = import_text(
        "name,phone,mobile,email\n"
        "One,415-555-2671,415-555-2679,\n"
        "Two,,,bob@example.com\n"
        "Link,,415-555-2679,link@example.com\n",
        name="c.csv",
    )
    assert outcome.match["new"] == 0
    persona = {
        row["full_name"]: row["persona_id"]
        for row in rows(connection, "SELECT full_name, persona_id FROM leads")
    }
    assert persona["Link"] == persona["One"] == persona["Ann"]
    assert persona["Two"] == persona["Bob"] != persona["Ann"]


def test_ids_of_two_crms_never_meet(connection: psycopg.Connection, import_text: Import) -> None:
    """The same id in HubSpot and in a list is two claims, each in its own name space."""
    import_text(
        "Record ID - Contact,First Name,Email\n7,Ann,a@example.com\n", "hubspot", "hubspot.csv"
    )
    outcome = import_text("crm_id,first_name,email\n7,Bob,b@example.com\n")
    assert outcome.match["new"] == 1


def test_teams_never_mix(connection: psycopg.Connection, import_text: Import) -> None:
    """The same phone in two teams is two people."""
    teams.add_team(connection, "beta", "US")
    text = "name,phone\nAnn,415-555-2671\n"
    assert import_text(text).match["new"] == 1
    assert import_text(text, team="beta").match["new"] == 1
    assert rows(connection, "SELECT team_id, phone FROM personas ORDER BY 1") == [
        {"team_id": "acme", "phone": "+14155552671"},
        {"team_id": "beta", "phone": "+14155552671"},
    ]


def test_the_newest_statement_wins_and_a_blank_never_erases(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Field by field, by the source's clock, inside a file and across files in any order."""
    header = "id,first_name,last_name,city,phone,updated_at\n"
    new = "1,Ann,,Bonn,415-555-2671,2026-03-01\n"
    old = "1,Annie,Old,Rome,415-555-2672,2026-01-01\n"
    oldest = "1,Anna,Oldest,Kyiv,415-555-2672,2025-01-01\n"
    expected = [{"first_name": "Ann", "last_name": "Old", "city": "Bonn", "phone": "+14155552671"}]
    query = "SELECT first_name, last_name, city, phone FROM personas"
    import_text(header + old + new)
    assert rows(connection, query) == expected
    before = snapshot(connection)
    assert import_text(header + oldest).counts.unchanged == 1
    assert rows(connection, query) == expected
    assert [rows_ for name, rows_ in snapshot(connection).items() if name == "leads"] == [
        before["leads"]
    ]
    import_text(header + "1,,,Ulm,415-555-2671,2026-04-01\n")
    assert rows(connection, query) == [{**expected[0], "city": "Ulm"}]


def test_later_lines_are_newer_only_where_there_is_no_clock(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """With a clock the order of rows means nothing; without one the later line is the newer."""
    import_text(
        "id,city,phone,updated_at\n1,New,415-555-2671,2026-02-01\n1,Old,415-555-2671,2026-01-01\n"
    )
    import_text("id,city,phone\n1,First,415-555-2679\n1,Second,4155552679\n", name="other.csv")
    assert rows(connection, "SELECT city FROM leads ORDER BY city") == [
        {"city": "New"},
        {"city": "Second"},
    ]


def test_other_columns_are_kept_key_by_key(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """What no contract names is stored, and a newer statement's blank does not erase it."""
    import_text("id,phone,Zed,Amy\n1,415-555-2671,z,a\n")
    import_text("id,phone,Zed,Mia\n1,415-555-2671,,m\n")
    assert rows(connection, "SELECT fields FROM leads") == [
        {"fields": {"extra": {"Amy": "a", "Mia": "m", "Zed": "z"}}}
    ]
    before = snapshot(connection)
    import_text("Mia,id,phone\nm,1,+14155552671\n")
    assert snapshot(connection)["leads"] == before["leads"]


def test_row_order_and_chunk_size_change_nothing(settings: Settings, import_text: Import) -> None:
    """The same rows, turned round and read three at a time, give the same people."""
    header = "id,name,phone,email,updated_at\n"
    lines = [
        f"{n % 30},P{n % 7},41555526{n % 10:02d},{'' if n % 3 else f'p{n % 5}@example.com'},"
        f"2026-01-{n % 28 + 1:02d}T{n % 24:02d}:{n:02d}\n"
        for n in range(60)
    ]
    query = (
        "SELECT p.phone, p.email, p.full_name,"
        " array_agg(l.source_record_id ORDER BY l.source_record_id)"
        " FROM personas AS p JOIN leads AS l USING (team_id, persona_id) WHERE p.team_id = %s"
        " GROUP BY p.team_id, p.persona_id ORDER BY 4"
    )
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        for team in ("one", "two", "three"):
            teams.add_team(connection, team)
        outcomes = [
            import_text(header + "".join(lines), team="one"),
            import_text(header + "".join(reversed(lines)), team="two"),
            import_text(header + "".join(lines), team="three", chunk_rows=3),
        ]
        people = [connection.execute(query, [team]).fetchall() for team in ("one", "two", "three")]
    assert outcomes[0].match == outcomes[1].match == outcomes[2].match
    assert outcomes[0].counts == outcomes[1].counts == outcomes[2].counts
    assert people[0] == people[1] == people[2]
    assert len(people[0]) == 5


def test_a_person_cannot_be_doubled_by_a_writer_outside(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Postgres refuses a second exclusive claim, and a second person with the phone."""
    import_text("name,phone\nAnn,415-555-2671\n")
    with pytest.raises(psycopg.errors.UniqueViolation, match="identities_exclusive_unique_idx"):
        connection.execute(
            "INSERT INTO identities (team_id, kind, value, persona_id)"
            " VALUES ('acme', 'phone', '+14155552671', 'persona_other')"
        )
    with pytest.raises(psycopg.errors.UniqueViolation, match="personas_phone_unique_idx"):
        connection.execute(
            "INSERT INTO personas (team_id, persona_id, phone, import_id)"
            " VALUES ('acme', 'persona_other', '+14155552671', 'none')"
        )


def test_a_row_that_changed_meanwhile_is_planned_again(
    connection: psycopg.Connection, import_text: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer between plan and apply makes the import plan again, from what is there then."""
    import_text("id,name,phone\n1,Ann,415-555-2671\n")
    plans: list[object] = []
    real_apply = flows.folding.apply

    def apply_late(*arguments: object) -> None:
        if not plans:
            connection.execute("UPDATE leads SET lead_status = 'called'")
        plans.append(arguments)
        real_apply(*arguments)

    monkeypatch.setattr(flows.folding, "apply", apply_late)
    outcome = import_text("id,name,phone\n1,Anna,415-555-2671\n")
    assert len(plans) == 2
    assert outcome.counts.updated == 1
    assert rows(connection, "SELECT full_name, lead_status FROM leads") == [
        {"full_name": "Anna", "lead_status": "called"}
    ]


def test_an_import_that_is_always_late_keeps_others_out_at_last(
    connection: psycopg.Connection, import_text: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After four plans that came too late, the fifth locks its rows first; the others wait."""
    import_text("id,name,phone\n1,Ann,415-555-2671\n")
    real_apply, waiting = flows.folding.apply, []

    def apply_late(*arguments: object) -> None:
        try:
            with connection.transaction():
                connection.execute("SET LOCAL lock_timeout = '100ms'")
                connection.execute("UPDATE leads SET updated_at = now()")
        except psycopg.errors.LockNotAvailable as error:
            waiting.append(error)
        real_apply(*arguments)

    monkeypatch.setattr(flows.folding, "apply", apply_late)
    monkeypatch.setattr(flows.trying, "_BACKOFF_SECONDS", 0)
    outcome = import_text("id,name,phone\n1,Anna,415-555-2671\n2,Bob,415-555-2672\n")
    assert (outcome.status, len(waiting)) == ("done", 1)
    assert ledger.find_import(connection, outcome.import_id).conflicts == {"row_version": 4}


def test_an_import_that_never_fits_gives_up_and_writes_nothing(
    connection: psycopg.Connection, import_text: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After five plans the import fails with a sentence; nothing of it is seen."""
    real_apply = flows.folding.apply

    def apply_in_vain(*arguments: object) -> None:
        real_apply(*arguments)
        raise StalePlanError("Somebody was faster.")

    monkeypatch.setattr(flows.folding, "apply", apply_in_vain)
    monkeypatch.setattr(flows.trying, "_BACKOFF_SECONDS", 0)
    outcome = import_text("id,name,phone\n1,Ann,415-555-2671\n")
    assert outcome.status == "failed"
    assert "5 tries" in outcome.reason
    assert rows(connection, "SELECT full_name FROM leads") == []
    assert ledger.find_import(connection, outcome.import_id).status == "failed"


def test_ten_imports_of_one_new_phone_at_once_make_one_person(
    connection: psycopg.Connection, settings: Settings, tmp_path: Path
) -> None:
    """One creates, nine match; none fails, nobody is doubled."""
    outcomes = []

    def start(number: int) -> None:
        path = tmp_path / f"list_{number}.csv"
        path.write_text(f"name,phone\nAnn {number},415-555-2671\n")
        outcomes.extend(run_import(Request(path, "acme", "generic"), settings))

    threads = [threading.Thread(target=start, args=[number]) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome.status for outcome in outcomes) == ["done"] * 10
    assert sum(outcome.match["new"] for outcome in outcomes) == 1
    assert sum(outcome.match["phone"] for outcome in outcomes) == 9
    assert rows(connection, "SELECT count(*) AS people FROM personas") == [{"people": 1}]


def test_no_import_waits_for_whoever_analyses_a_table(
    connection: psycopg.Connection,
    import_text: Import,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such as autovacuum, or an import of another team: one that did so would keep the others."""
    monkeypatch.setattr(flows.apply, "_MANY_ROWS", 1)
    with closing(warehouse.connect(settings)) as other:
        other.execute("SET lock_timeout = '100ms'")
        other.execute("BEGIN")
        other.execute("LOCK TABLE leads, personas, identities IN SHARE UPDATE EXCLUSIVE MODE")
        assert import_text("id,phone\n1,415-555-2671\n").status == "done"
    sampled = "SELECT DISTINCT tablename FROM pg_stats WHERE tablename IN ('leads', 'personas')"
    assert rows(connection, sampled) == []
    assert import_text("id,phone\n2,415-555-2672\n").status == "done"
    assert len(rows(connection, sampled)) == 2


def test_an_import_that_waited_compares_with_what_the_other_left(
    connection: psycopg.Connection, import_text: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that was unchanged before the lock and is not under it is written all the same."""
    header = "id,city,phone,updated_at\n"
    import_text(header + "1,Bonn,415-555-2671,\n")
    real_fold = flows.importing.PLAIN.fold

    def fold_late(*arguments: object) -> object:
        # Another program changes the lead after this import has compared its fingerprints.
        connection.execute("UPDATE leads SET city = 'Rome', fingerprint = NULL")
        connection.execute("UPDATE teams SET change_seq = change_seq + 1")
        return real_fold(*arguments)

    late = replace(flows.importing.PLAIN, fold=fold_late)
    monkeypatch.setattr(flows.importing, "PLAIN", late)
    outcome = import_text(header + "1,Bonn,415-555-2671,\n")
    assert outcome.counts.updated == 1
    assert rows(connection, "SELECT city FROM leads") == [{"city": "Bonn"}]


def test_an_unexpected_fault_is_in_the_ledger(
    connection: psycopg.Connection, import_text: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug of ours is raised, leaves nothing behind and is written down as failed."""
    monkeypatch.setattr(flows.folding, "apply", lambda *_: 1 / 0)
    before = snapshot(connection)
    with pytest.raises(ZeroDivisionError):
        import_text("name,phone\nAnn,415-555-2671\n")
    assert snapshot(connection) == before
    (entry,) = ledger.list_imports(connection)
    assert entry.status == "failed"
    assert entry.reason == "A fault of Leadfold's: ZeroDivisionError."


def test_work_files_are_gone_at_the_end(settings: Settings, import_text: Import) -> None:
    """Spill holds personal data: it lives as long as the import. Landed files are 0600."""
    import_text("name,phone\nAnn,415-555-2671\n")
    assert list(settings.work.iterdir()) == []
    (landed,) = settings.landing.iterdir()
    assert landed.stat().st_mode & 0o777 == 0o600


def test_other_rules_read_known_rows_anew(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """A team that moves to another region: the same file again gives the numbers of that one."""
    text = "id,name,phone,email\n1,Ann,020 7946 0123,ann@example.com\n"
    import_text(text)
    assert rows(connection, "SELECT phones FROM leads") == [{"phones": []}]
    connection.execute("UPDATE teams SET region = 'GB'")
    assert import_text(text).counts.updated == 1
    assert rows(connection, "SELECT phones FROM leads") == [{"phones": ["+442079460123"]}]
    before = snapshot(connection)
    assert import_text(text).counts.unchanged == 1
    assert snapshot(connection) == before


def test_another_list_under_the_same_name_is_held(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Row 1 of one list is not the person of row 1 of another; a person is asked."""
    header = "id,name,phone\n"
    import_text(header + "".join(f"{n},A{n},41555526{n:02d}\n" for n in range(20)))
    before = snapshot(connection)
    outcome = import_text(header + "".join(f"{n},B{n},21255501{n:02d}\n" for n in range(20)))
    assert outcome.status == "held"
    assert "20 record ids in common only 0" in outcome.reason
    assert snapshot(connection) == before
    mixed = [f"{n},A{n},41555526{n:02d}\n" for n in range(11)]
    mixed += [f"{n},A{n},21255501{n:02d}\n" for n in range(11, 20)]
    assert import_text(header + "".join(mixed)).counts.updated == 9


def test_an_update_keeps_what_others_put_into_fields(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Only the key that the file states is replaced."""
    import_text("id,phone,Zed\n1,415-555-2671,a\n")
    connection.execute("""UPDATE leads SET fields = fields || '{"custom": {"note": "vip"}}'""")
    import_text("id,phone,Zed\n1,415-555-2671,b\n")
    assert rows(connection, "SELECT fields FROM leads") == [
        {"fields": {"extra": {"Zed": "b"}, "custom": {"note": "vip"}}}
    ]


def test_a_person_that_was_put_in_by_hand_is_found_by_phone(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Whoever somebody put into personas holds its phone."""
    connection.execute(
        "INSERT INTO personas (team_id, persona_id, phone)"
        " VALUES ('acme', 'persona_by_hand', '+14155552671')"
    )
    outcome = import_text("name,phone\nAnn,415-555-2671\nBob,415-555-2672\n")
    assert (outcome.match["phone"], outcome.match["new"]) == (1, 1)
    assert {"persona_id": "persona_by_hand"} in rows(connection, "SELECT persona_id FROM leads")


def test_a_commit_whose_answer_was_lost_is_not_done_twice(
    connection: psycopg.Connection, import_text: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The retry reads its ledger row first, and tells the counts of the commit."""
    real_once, lost = flows.folding._fold_once, []

    def lose_the_answer(*arguments: object, **named: object) -> object:
        outcome = real_once(*arguments, **named)
        if not lost:
            lost.append(outcome)
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return outcome

    monkeypatch.setattr(flows.folding, "_fold_once", lose_the_answer)
    monkeypatch.setattr(flows.trying, "_RESTART_SECONDS", 0)
    outcome = import_text("name,phone\nAnn,415-555-2671\n")
    assert outcome.counts == lost[0].counts == Counts(landed=1, inserted=1)


def test_of_two_sources_without_a_clock_the_more_trusted_wins(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Trust breaks the tie, though the list came later."""
    import_text(
        "Record ID - Contact,First Name,Email\n7,Ann,a@example.com\n", "hubspot", "hubspot.csv"
    )
    import_text("first_name,email\nAnnie,a@example.com\n")
    assert rows(connection, "SELECT first_name FROM personas") == [{"first_name": "Ann"}]


def test_a_file_or_an_undo_that_needs_more_memory_says_so(
    settings: Settings,
    connection: psycopg.Connection,
    tmp_path: Path,
) -> None:
    """What DuckDB may take is told, and what to set; nothing is written."""
    path = tmp_path / "list.csv"
    lines = (f"{n},Ann {n},415-555-2671,a{n}@example.com,{'x' * 200}\n" for n in range(12_000))
    path.write_text("id,name,phone,email,note\n" + "".join(lines))
    before = snapshot(connection)
    little = replace(settings, memory_limit="3MB")
    (outcome,) = run_import(Request(path, "acme", "generic"), little)
    _says_what_to_set(outcome)
    assert snapshot(connection) == before

    (stored,) = run_import(Request(path, "acme", "generic"), settings)
    before = snapshot(connection)
    _says_what_to_set(run_undo(stored.import_id, little))
    assert snapshot(connection) == before


def _says_what_to_set(outcome: Outcome) -> None:
    assert outcome.status == "failed"
    assert "than DuckDB may take (3MB)" in outcome.reason
    assert "LEADFOLD_MEMORY_LIMIT" in outcome.reason


def test_tables_are_analysed_when_a_team_has_a_tenth_more(
    settings: Settings,
    import_text: Import,
    connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A small file into a large team costs no look at all of its tables. What was undone is not
    there any more."""
    monkeypatch.setattr(flows.apply, "_MANY_ROWS", 10)
    # It would be waited for by nobody: what it has just begun to look at is left to it.
    for table in ("leads", "personas", "identities"):
        off = sql.SQL("ALTER TABLE {} SET (autovacuum_enabled = false)")
        connection.execute(off.format(sql.Identifier(table)))

    def bring(first: int, last: int) -> tuple[list[int], str]:
        rows = "".join(f"{number},415-555-2{number:03}\n" for number in range(first, last))
        done = import_text("id,phone\n" + rows, name=f"list_{first}.csv")
        counts = connection.execute(
            "SELECT analyze_count FROM pg_stat_user_tables"
            " WHERE relname IN ('leads', 'personas', 'identities') ORDER BY relname"
        ).fetchall()
        return [count for (count,) in counts], done.import_id

    assert bring(0, 5)[0] == [0, 0, 0]
    many, import_id = bring(5, 200)
    assert many == [1, 1, 1]
    assert bring(200, 209)[0] == [1, 1, 1]
    assert bring(209, 229)[0] == [1, 1, 1]
    assert bring(229, 259)[0] == [2, 2, 2]
    run_undo(import_id, settings)
    assert bring(300, 311)[0] == [3, 3, 3]
