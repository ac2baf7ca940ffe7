"""Erasing a person: gone from every table and file, and kept out afterwards."""

import gzip
import hashlib
import json
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql
from psycopg.types.json import Jsonb

from contracts.errors import LeadfoldError, WrongCallError
from flows import erasing, import_issues, ledger, teams
from flows.cli import leadfold
from flows.erasing import run_erase
from flows.erasure_keys import FILE_NAME
from flows.importing import PLAIN, run_import
from flows.jobs import Job, Request
from flows.landing import Batch
from flows.refolding import run_refold
from flows.retention import run_maintenance
from flows.settings import Settings
from flows.vacuuming import vacuum
from tests.conftest import Import
from tests.states import check_claims, content
from transforms.relations import Work

PHONE = "+14155552671"
EMAIL = "zelda.quist@example.com"
NAME = "zelda quist"
HEADER = "id,first_name,last_name,phone,email,work phone,city,note,status,dnc\n"
ANN = (
    "1,Zelda,Quist,(415) 555-2671,Zelda.Quist@Example.com,415-555-7777,Rome,"
    '"met at\nthe fair",new,yes\n'
)
BOB = "2,Bob,Jones,415-555-3000,bob@example.com,,Ulm,,new,\n"
CID = "3,Cid,Moe,415-555-4000,cid@example.com,,Oslo,,open,yes\n"


def leftovers(connection: psycopg.Connection, home: Path) -> list[str]:
    """Where the person still stands: every column of every table, every file under home."""
    found = []
    for table, column in connection.execute(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name IN ("
        " SELECT tablename FROM pg_tables WHERE schemaname = 'public')"
    ).fetchall():
        for (value,) in connection.execute(
            sql.SQL("SELECT DISTINCT {} FROM {}").format(
                sql.Identifier(column), sql.Identifier(table)
            )
        ).fetchall():
            text = bytes(value).decode("latin-1") if isinstance(value, bytes) else str(value)
            if speaks(text):
                found.append(f"{table}.{column}: {text}")
    for path in sorted(home.rglob("*")):
        is_ours = path.is_file() and "postgres" not in path.relative_to(home).parts
        if is_ours and speaks(path.read_bytes().decode("latin-1")):
            found.append(str(path))
    return found


def speaks(text: str) -> bool:
    plain = text.lower()
    digits = re.sub(r"[^0-9a-z]", "", plain)
    return (
        "4155552671" in digits or "zelda.quist@" in plain or NAME in plain or "zelda,quist" in plain
    )


def others(connection: psycopg.Connection) -> list[str]:
    """All that is stored of other people, with ids and times, as text."""
    rows = []
    for table in ("personas", "leads", "identities", "lead_versions", "opt_outs"):
        rows += [
            f"{table} {row}"
            for (row,) in connection.execute(
                sql.SQL("SELECT t::text FROM {} AS t ORDER BY 1").format(sql.Identifier(table))
            ).fetchall()
        ]
    return rows


def persona_of(connection: psycopg.Connection, phone: str = PHONE, team: str = "acme") -> str:
    (found,) = connection.execute(
        "SELECT persona_id FROM identities WHERE team_id = %s AND kind = 'phone' AND value = %s",
        [team, phone],
    ).fetchone() or ("",)
    return str(found)


def test_a_person_is_gone_from_every_table_and_file(
    connection: psycopg.Connection, import_text: Import, settings: Settings, tmp_path: Path
) -> None:
    """Rows, histories, rejects, landed files, plans and archives; others keep all, and files that
    come again bring everybody back but the person."""
    import_text(HEADER + BOB + CID, name="list.csv")
    before = others(connection)
    import_text(HEADER + ANN + BOB + CID, name="list.csv")
    import_text(HEADER + ANN.replace("Rome", "Bari").replace("new", "won") + BOB + CID)
    connection.execute("UPDATE personas SET company = 'By Hand' WHERE first_name = 'Zelda'")
    # Rejects that quote the person, one of them with a record of its own damage.
    import_text(
        "name,phone,email\nDan,415-555-9000,dan@example.com\n"
        "Zelda Quist,+1 415.555.2671,x,y,z\nEve,1,zelda.quist@EXAMPLE.com\n",
        name="bad.csv",
    )
    import_text("phone,first_name\n415-555-7777,Boris\n", name="other.csv")
    for name in ("archive", "quarantine", "plans"):
        (settings.home / name).mkdir(parents=True, exist_ok=True)
    (settings.home / "archive" / "list.csv").write_text(HEADER + ANN + BOB, encoding="utf-16")
    (settings.home / "quarantine" / "note.txt").write_text("Call Bob.\nOr 001 415 555 2671!\nBye\n")
    plan = settings.home / "plans" / "plan.csv"
    path = tmp_path / "list.csv"
    path.write_text(HEADER + ANN.replace("Rome", "Lund") + BOB + CID)
    run_import(Request(path, "acme", "generic", is_dry_run=True, plan_file=plan), settings)
    assert len(leftovers(connection, settings.home)) > 10

    persona_id = next(
        one
        for (one,) in connection.execute(
            "SELECT persona_id FROM personas WHERE last_name = 'Quist'"
        )
    )
    dry = run_erase(persona_id, settings, is_dry_run=True)
    assert not (settings.home / FILE_NAME).exists()
    done = run_erase(persona_id, settings)
    assert dry.effects == done.effects
    assert dry.files.records == done.files.records
    assert leftovers(connection, settings.home) == []
    assert (settings.home / "quarantine" / "note.txt").read_text() == "Call Bob.\n\nBye\n"
    assert "Bob" in (settings.home / "archive" / "list.csv").read_text(encoding="utf-16")
    entry = ledger.find_import(connection, done.import_id)
    assert (entry.cause, entry.status, entry.file_name, entry.counts.landed) == (
        *("erase", "done", "a person"),
        0,
    )
    kept = others(connection)
    assert set(before) <= set(kept) | {row for row in before if "opt_outs" in row}
    check_claims(connection)
    assert run_refold("acme", settings).effects == {}
    (rows,) = connection.execute("SELECT count(*) FROM erased WHERE length(hash) = 32").fetchone()  # type: ignore[misc]
    assert rows >= 2

    again = import_text(HEADER + ANN + BOB + CID)
    assert (again.counts.rejected, again.counts.unchanged, again.counts.inserted) == (1, 2, 0)
    assert others(connection) == kept
    issues = import_issues.list_issues(connection, ledger.find_import(connection, again.import_id))
    assert [(issue.code, issue.raw, issue.line_no) for issue in issues] == [("erased", None, 2)]
    import_text(
        "name,phone,email\nDan,415-555-9000,dan@example.com\n"
        "Zelda Quist,+1 415.555.2671,x,y,z\nEve,1,zelda.quist@EXAMPLE.com\n",
        name="bad.csv",
    )
    run_import(Request(path, "acme", "generic", is_dry_run=True, plan_file=plan), settings)
    assert leftovers(connection, settings.home) == []
    assert others(connection) == kept


def erase(settings: Settings, subject: str = PHONE, team: str = "acme") -> erasing.Erasure:
    return run_erase(subject, settings, team)


def test_a_byte_search_of_the_tables_files_finds_nobody(
    connection: psycopg.Connection, import_text: Import, settings: Settings, server_home: Path
) -> None:
    """Dead rows, indexes and the planner's samples are cleaned at once, not some day."""
    rows = [f"{n},Al{n},Lee{n},415-555-{n:04},a{n}@example.com,,,,,\n" for n in range(1000, 1400)]
    import_text(HEADER + ANN + "".join(rows))
    connection.execute("ANALYZE")
    (folder,) = connection.execute(
        "SELECT 'base/' || oid FROM pg_database WHERE datname = current_database()"
    ).fetchone() or ("",)

    def is_on_disk() -> bool:
        connection.execute("CHECKPOINT")
        files = (server_home / "postgres" / "data" / str(folder)).iterdir()
        words = (b"zelda.quist@", b"14155552671", b"Quist", b"quist")
        return any(
            word in path.read_bytes().replace(b"\0", b"") for path in files for word in words
        )

    assert is_on_disk()
    erase(settings)
    assert not is_on_disk()


def test_a_shared_line_stays_with_the_others(
    connection: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """Who is left alone with a value has it alone again; it is no mark of who was erased."""
    office = "first_name,phone,email\n"
    one = "Zelda,415-555-2671,zelda@example.com\n"
    import_text(office + one + "Bob,415-555-2671,bob@example.com\n")
    with pytest.raises(WrongCallError, match="2 people of team 'acme' share"):
        erase(settings)
    done = erase(settings, "zelda@example.com")
    assert done.shared == 1
    found = connection.execute(
        "SELECT p.first_name, i.kind, i.is_exclusive, p.is_phone_exclusive FROM identities AS i"
        " JOIN personas AS p USING (team_id, persona_id) ORDER BY i.kind"
    ).fetchall()
    assert found == [("Bob", "email", True, True), ("Bob", "phone", True, True)]
    assert connection.execute("SELECT count(*) FROM merge_candidates").fetchone() == (0,)
    assert run_refold("acme", settings).effects == {}
    again = import_text(office + one + "Bob,415-555-2671,bob@example.com\nBo,415-555-2671,\n")
    assert (again.counts.rejected, again.counts.unchanged, again.counts.inserted) == (1, 1, 1)


def test_somebody_with_only_a_shared_line_stays_away_by_the_record(
    connection: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """The same row again is rejected, though its phone is somebody else's, too."""
    text = "first_name,phone\nZelda,415-555-2671\nBob,415-555-2671\n"
    import_text(text)
    # Of what did not change, the database does not know at which line it stands here.
    import_text(text.replace("phone\n", "phone\nDan,415-555-1111\n"))
    (persona_id,) = connection.execute(
        "SELECT persona_id FROM personas WHERE first_name = 'Zelda'"
    ).fetchone() or ("",)
    erase(settings, str(persona_id))
    again = import_text(text)
    assert (again.counts.rejected, again.counts.unchanged) == (1, 1)
    landed = {path.read_text() for path in settings.landing.iterdir()}
    assert landed == {
        "first_name,phone\n\nBob,415-555-2671\n",
        "first_name,phone\nDan,415-555-1111\n\nBob,415-555-2671\n",
    }


def test_a_merged_person_goes_with_all_that_was_merged(
    connection: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """Asked by the id that was merged away, the one who took over goes, too."""
    import_text("first_name,last_name,phone\nZelda,Quist,415-555-2671\n", name="a.csv")
    import_text("first_name,last_name,email\nZelda,Quist,zelda.quist@example.com\n", name="b.csv")
    import_text("first_name,phone\nBob,415-555-3000\n", name="c.csv")
    run_refold("acme", settings, "default")
    connection.execute('UPDATE teams SET policy_rules = policy_rules || \'{"merge": "auto"}\'')
    import_text(f"first_name,last_name,phone,email\nZelda,Quist,{PHONE},{EMAIL}\n", name="d.csv")
    (gone,) = connection.execute(
        "SELECT persona_id FROM personas WHERE merged_into IS NOT NULL"
    ).fetchone() or ("",)
    done = erase(settings, str(gone))
    assert len(done.persona_ids) == 2
    assert leftovers(connection, settings.home) == []
    assert connection.execute("SELECT first_name FROM personas").fetchall() == [("Bob",)]


def test_another_team_keeps_the_person(
    connection: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """Rows, rejects and the landed file of another team stay, and its imports take the person."""
    teams.add_team(connection, "beta")
    import_text(HEADER + ANN + BOB)
    import_text(HEADER + ANN + BOB, team="beta")
    import_text(HEADER + ANN + CID, team="beta", name="own.csv")
    before = content(connection, "beta")
    done = erase(settings)
    assert any("another team imported the same file" in line for line in done.remains)
    assert content(connection, "beta") == before
    assert sum("Zelda" in path.read_text() for path in settings.landing.iterdir()) == 2
    assert import_text(HEADER + ANN + BOB, team="beta").counts.unchanged == 2
    assert import_text(HEADER + ANN + BOB).counts.rejected == 1


def test_another_key_refuses_imports_and_erasures(
    connection: psycopg.Connection,
    import_text: Import,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the key nobody can tell who was erased: nothing is imported rather than somebody."""
    import_text(HEADER + ANN + BOB)
    erase(settings)
    key = settings.home / FILE_NAME
    assert key.stat().st_mode & 0o777 == 0o600
    right = key.read_text().strip()
    for wrong in ("ab" * 32, "zz"):
        monkeypatch.setenv("LEADFOLD_ERASURE_KEY", wrong)
        outcome = import_text(HEADER + CID)
        assert outcome.status == "held"
        assert "key" in outcome.reason
        with pytest.raises(LeadfoldError, match="key"):
            erase(settings, "bob@example.com")
    monkeypatch.setenv("LEADFOLD_ERASURE_KEY", right)
    key.unlink()
    assert import_text(HEADER + CID).counts.inserted == 1
    monkeypatch.delenv("LEADFOLD_ERASURE_KEY")
    assert import_text(HEADER + BOB).status == "held"


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("place", ["write_list", "carry_out"])
def test_an_erasure_that_is_cut_off_is_whole_or_none(
    connection: psycopg.Connection,
    import_text: Import,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    """Before the commit nothing has happened; after it the files follow with the next command."""
    import_text(HEADER + ANN + BOB)

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(erasing, place, die)
        if place == "carry_out":
            patched.setattr(erasing, "finish_cut_off", lambda *_: 0)
        with suppress(Killed):
            erase(settings)
    is_committed = place == "carry_out"
    assert bool(persona_of(connection)) is not is_committed
    (path, *_) = [path for path in settings.landing.iterdir() if not path.name.startswith(".")]
    assert "Zelda" in path.read_text()
    if is_committed:
        assert run_maintenance(settings).finished == 1
    else:
        erase(settings)
    assert leftovers(connection, settings.home) == []
    assert erase(settings).persona_ids == ()


def test_forms_that_cannot_be_rewritten_go_whole(
    connection: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """Workbooks, Parquet, JSON documents and archives with the person in them are deleted, and
    those without stay."""
    import_text(HEADER + ANN + BOB)
    folder = settings.home / "archive"
    folder.mkdir()
    for name, phone in (("with", "+1 415 555 2671"), ("without", "+1 415 555 3000")):
        frame = pl.DataFrame({"name": ["A"], "phone": [phone]})
        frame.write_parquet(folder / f"{name}.parquet")
        frame.write_excel(folder / f"{name}.xlsx")
        (folder / f"{name}.json").write_text(json.dumps([{"phone": phone}]))
        (folder / f"{name}.csv.gz").write_bytes(gzip.compress(f"phone\n{phone}\n".encode()))
        (folder / f"{name}.jsonl").write_text(f'{{"phone": "{phone}"}}\n{{"phone": "1"}}\n')
    (settings.home / "elsewhere").symlink_to("/nowhere")
    done = erase(settings)
    assert f"{settings.home / 'elsewhere'} is a link" in "".join(done.remains)
    kept = {path.name for path in folder.iterdir()}
    suffixes = ("parquet", "xlsx", "json", "csv.gz", "jsonl")
    assert kept == {f"without.{suffix}" for suffix in suffixes} | {"with.jsonl"}
    assert (folder / "with.jsonl").read_text() == '\n{"phone": "1"}\n'
    assert len(done.files.deleted) == 4


def test_others_of_that_name_stay(
    connection: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """A name alone is no identity, in tables and in files."""
    header = "first_name,last_name,phone\n"
    import_text(header + "Zelda,Quist,415-555-2671\nZelda,Quist,415-555-8888\n")
    erase(settings)
    assert connection.execute("SELECT phone FROM personas").fetchall() == [("+14155558888",)]
    (path,) = settings.landing.iterdir()
    assert path.read_text() == header + "\nZelda,Quist,415-555-8888\n"


def test_lines_stay_where_they_were_for_the_next_erasure(
    connection: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """A record that spans lines leaves them blank, so that others keep theirs."""
    import_text(HEADER + ANN + BOB + CID)
    erase(settings)
    erase(settings, "bob@example.com")
    (path,) = settings.landing.iterdir()
    assert path.read_text() == HEADER + "\n\n\n" + CID
    assert path.stem == hashlib.sha256(path.read_bytes()).hexdigest()
    hashes = connection.execute("SELECT DISTINCT file_hash FROM imports WHERE cause = 'file'")
    assert hashes.fetchall() == [(path.stem,)]


def test_a_feeds_record_is_known_by_its_id_alone(
    connection: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """A CRM's record comes back under a new phone and email, damaged, and in other files: never
    into the tables, nor are its opt-outs and activities."""
    header = "Record ID,First Name,Last Name,Phone Number,Email,Message\n"
    import_text(
        header + f"7001,Zelda,Quist,{PHONE},{EMAIL},hi\n7002,Bob,Jones,415-555-3000,,\n",
        source="hubspot",
        name="one.csv",
    )
    import_text(
        header + "7002,Bob,Jones,415-555-3000,,\n7003,,,,,\n7001,Zelda,Quist,,,,too,many\n",
        source="hubspot",
        name="two.csv",
    )
    erase(settings, EMAIL)
    assert leftovers(connection, settings.home) == []
    kept = others(connection)
    text = header + (
        "7001,Zelda,Newname,415-555-1234,new@example.com,call\n"
        "7002,Bob,Jones,415-555-3000,,\n8000,Zelda,Other,415-555-2671,,\n"
    )
    again = import_text(text, source="hubspot", name="three.csv")
    assert (again.counts.rejected, again.counts.unchanged, again.counts.inserted) == (2, 1, 0)
    assert others(connection) == kept
    assert leftovers(connection, settings.home) == []
    assert not any("Newname" in path.read_text() for path in settings.landing.iterdir())


def test_what_others_say_of_the_person_is_told(
    connection: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """Their records stay as they are, and the report names them."""
    import_text(HEADER + ANN + BOB.replace(",,Ulm,,", ",,Ulm,wife: 415-555-2671,"))
    (lead_id,) = connection.execute(
        "SELECT lead_id FROM leads WHERE source_record_id = '2'"
    ).fetchone() or ("",)
    done = erase(settings)
    assert any(str(lead_id) in line for line in done.remains)
    assert connection.execute("SELECT note FROM leads").fetchall() == [("wife: 415-555-2671",)]


def test_an_undone_import_forgets_too(
    connection: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """Somebody whose only import was taken back stands in its statements all the same."""
    import_text(HEADER + ANN + BOB)
    connection.execute(
        "INSERT INTO lead_versions SELECT (jsonb_populate_record(NULL::lead_versions,"
        " to_jsonb(l))).* FROM leads AS l WHERE source_record_id = '1'"
    )
    connection.execute(
        "INSERT INTO undone_leads SELECT team_id, lead_id, source, source_file, source_record_id,"
        " persona_id, import_id FROM leads WHERE source_record_id = '1'"
    )
    connection.execute("SET leadfold.import_id = 'x'")
    connection.execute("DELETE FROM leads WHERE source_record_id = '1'")
    connection.execute("DELETE FROM personas WHERE last_name = 'Quist'")
    connection.execute(
        "DELETE FROM identities WHERE kind IN ('phone', 'email') AND value IN ("
        f"'{PHONE}', '{EMAIL}', '+14155557777')"
    )
    connection.execute("RESET leadfold.import_id")
    done = erase(settings)
    assert done.effects["undone_leads"] == {"delete": 1}
    assert leftovers(connection, settings.home) == []


def test_a_wrong_subject_is_told(
    connection: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """Nobody of that id, no phone or email, and a value that is nobody's by itself."""
    import_text(HEADER + ANN + BOB)
    with pytest.raises(WrongCallError, match="There is no person 'persona_x'"):
        erase(settings, "persona_x")
    with pytest.raises(WrongCallError, match="'zelda' is no persona's id, email or phone"):
        erase(settings, "zelda")
    teams.add_team(connection, "beta")
    with pytest.raises(WrongCallError, match="Name the team with --team"):
        erase(settings, PHONE, "")


def test_the_command_asks_and_tells(
    connection: psycopg.Connection,
    import_text: Import,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a yes nothing happens; what was removed and what remains is named."""
    monkeypatch.setenv("LEADFOLD_HOME", str(settings.home))
    monkeypatch.setenv("LEADFOLD_DATABASE_URL", settings.database_url)
    import_text(HEADER + ANN + BOB)
    call = CliRunner().invoke
    assert call(leadfold, ["erase", PHONE], input="n\n").exit_code == 1
    assert persona_of(connection)
    told = call(leadfold, ["erase", PHONE, "--dry-run", "--json"])
    assert json.loads(told.stdout)["import_id"] is None
    assert persona_of(connection)
    done = call(leadfold, ["erase", PHONE, "--yes"])
    assert done.exit_code == 0
    assert "Records in files, removed: 1." in done.stdout
    assert "Backups of the database" in done.stdout
    assert not persona_of(connection)
    assert call(leadfold, ["maintain"]).stdout == "There is nothing to remove.\n"


def test_an_import_that_was_staged_before_keeps_the_person_out(
    connection: psycopg.Connection, import_text: Import, settings: Settings, tmp_path: Path
) -> None:
    """It sees that the team's data moved, rejects the row, and cleans its own landed copy."""
    import_text(HEADER + ANN + BOB)
    path = tmp_path / "list.csv"
    path.write_text(HEADER + ANN.replace("Rome", "Bari") + BOB + CID)
    said: list[str] = []

    def stage_then_erase(job: Job, batch: Batch, *rest: Any) -> Work:
        work = PLAIN.stage(job, batch, *rest)
        said.extend(erase(settings).remains)
        return work

    steps = replace(PLAIN, stage=stage_then_erase)
    (outcome,) = run_import(Request(path, "acme", "generic"), settings, steps=steps)
    assert any("is being imported" in line for line in said)
    assert (outcome.counts.rejected, outcome.counts.inserted) == (1, 1)
    assert leftovers(connection, settings.home) == []


def test_a_crowd_that_shares_a_value_is_counted_again(
    connection: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """Their row tells one less, and does not name who was erased."""
    names = ("Ann", "Bob", "Cid", "Dora", "Zelda")
    import_text(
        "first_name,phone,email\n"
        + "".join(f"{name},415-555-7777,{name}@example.com\n" for name in names)
    )
    query = "SELECT evidence FROM merge_candidates WHERE guard = 'shared_value'"
    ((before,),) = connection.execute(query).fetchall()
    gone = erase(settings, "zelda@example.com").persona_ids[0]
    ((after,),) = connection.execute(query).fetchall()
    assert (before["people"], after["people"]) == (5, 4)
    assert after["examples"] == [one for one in before["examples"] if one != gone]
    assert run_refold("acme", settings).effects == {}


def test_what_undo_review_and_histories_remember_goes(
    connection: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """Earlier rows, moves, claims and remarks that quote the person; what is of others stays."""
    done = import_text(HEADER + ANN + BOB)
    people = dict(connection.execute("SELECT first_name, persona_id FROM personas").fetchall())
    leads = dict(connection.execute("SELECT first_name, lead_id FROM leads").fetchall())
    ann, bob = people["Zelda"], people["Bob"]
    for number, before in enumerate(
        (
            {"kind": "phone", "value": PHONE},
            {"kind": "record", "value": "1", "source_file": "generic/list.csv"},
            {"lead_id": leads["Zelda"]},
            {"description": "wrote from Zelda.Quist@example.com"},
            {"kind": "phone", "value": "+14155553000"},
        )
    ):
        connection.execute(
            "INSERT INTO row_versions VALUES ('acme', %s, 'opt_outs', %s, %s)",
            [done.import_id, str(number), Jsonb(before)],
        )
    for value, persona in ((PHONE, bob), ("+14155553000", bob), ("+14155553000", ann)):
        connection.execute(
            "INSERT INTO identity_versions VALUES ('acme', %s, 'phone', %s, %s, true, false)",
            [done.import_id, value, persona],
        )
    for lead, start, end in (("Zelda", bob, ann), ("Bob", ann, bob), ("Bob", "persona_q", bob)):
        connection.execute(
            "INSERT INTO lead_moves VALUES ('acme', %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [f"import_{start}", leads[lead], start, end],
        )
    record = {"source_file": "generic/list.csv", "source_record_id": "1"}
    changes = {
        "city": {"before": "Ulm", "after": "Rome", **record},
        "last_name": {"before": "Quist", "after": "Jones"},
        "company": {"before": None, "after": "Bobs"},
        "leads": [leads["Zelda"], leads["Bob"]],
    }
    connection.execute(
        "INSERT INTO persona_versions VALUES ('acme', %s, %s, NULL, 'merge', %s)",
        [bob, done.import_id, Jsonb(changes)],
    )
    connection.execute(
        "INSERT INTO lead_activities (team_id, activity_id, lead_id, activity_type, description,"
        " import_id) VALUES ('acme', 'a1', %s, 'note_added', 'see 415.555.2671', 'x'),"
        " ('acme', 'a2', %s, 'note_added', 'call back', 'x')",
        [leads["Bob"]] * 2,
    )
    connection.execute(
        "INSERT INTO merge_candidates (team_id, left_id, right_id, guard, kind, value, evidence,"
        " judgement, left_lead_ids, right_lead_ids, import_id) VALUES ('acme', %s, 'persona_z',"
        " 'name', 'phone', %s, '{\"links\": []}', 'not_same', %s, '{lead_z}', 'x')",
        [bob, PHONE, sorted(leads.values())],
    )
    connection.execute(
        "UPDATE imports SET reason = 'Zelda Quist.csv: no', file_name = 'Zelda Quist.csv',"
        " kept = %s",
        [Jsonb([{"id": ann, "name": "Zelda Quist"}, {"id": bob, "name": "Bob Jones"}])],
    )
    erase(settings)
    assert leftovers(connection, settings.home) == []

    def rows(query: str) -> list[tuple[Any, ...]]:
        return connection.execute(query).fetchall()

    assert rows("SELECT row_key FROM row_versions") == [("4",)]
    assert rows("SELECT value, persona_id FROM identity_versions") == [("+14155553000", bob)]
    assert rows("SELECT from_persona_id FROM lead_moves") == [("persona_q",)]
    kept = {"company": changes["company"], "leads": [leads["Bob"]]}
    assert rows("SELECT changes FROM persona_versions") == [(kept,)]
    assert rows("SELECT description FROM lead_activities ORDER BY 1") == [
        ("(erased)",),
        ("call back",),
    ]
    assert rows("SELECT value, left_lead_ids FROM merge_candidates") == [("", [leads["Bob"]])]
    assert rows("SELECT file_name, reason, kept FROM imports WHERE cause = 'file'") == [
        ("(erased)", "(erased)", [{"id": bob, "name": "Bob Jones"}])
    ]


def test_who_may_not_clean_a_table_is_told(
    connection: psycopg.Connection, import_text: Import, settings: Settings
) -> None:
    """Postgres only warns of it; the report says it."""
    connection.execute("CREATE ROLE clerk_of_erasing")
    try:
        connection.execute("SET ROLE clerk_of_erasing")
        (said,) = vacuum(connection, ["leads"])[:1]
        assert said.startswith("Postgres says: permission denied to ")
    finally:
        connection.execute("RESET ROLE")
        connection.execute("DROP ROLE clerk_of_erasing")
