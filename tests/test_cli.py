"""The command line as people and scripts call it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import yaml

from contracts.policy import Policy
from contracts.registry import load_policies, parse_policy
from flows import cli
from flows.settings import Settings
from tests.conftest import snapshot

ROOT = Path(__file__).resolve().parent.parent
GOOD = "name,phone\nAnn,415-555-2671\nZed,12\n"

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Call:
    """Runs ``leadfold`` in this process: exit code, standard output, standard error."""
    monkeypatch.setenv("LEADFOLD_HOME", str(settings.home))
    monkeypatch.setenv("LEADFOLD_DATABASE_URL", settings.database_url)

    def do(*arguments: object) -> tuple[int, str, str]:
        code = 0
        try:
            cli.main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capfd.readouterr()
        return code, out, err

    return do


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.csv"
    path.write_text(GOOD)
    return path


def test_teams_are_added_and_listed(call: Call) -> None:
    """A name becomes an id for keys and folders; a second team of the name is refused."""
    assert call("teams")[1].startswith("There are no teams yet")
    assert call("teams", "add", "Acmé Homes", "--region", "GB")[0] == 0
    assert call("teams")[1] == "Acmé Homes  (id acme_homes, region GB, policy default)\n"
    code, _, err = call("teams", "add", "acme homes")
    assert (code, err.strip()) == (
        2,
        "Error: There is a team 'Acmé Homes' already, and 'acme homes' would have the same id,"
        " acme_homes.\nUse that team, or choose a name with other letters.",
    )
    assert call("teams", "add", "Acmé Homes")[2].startswith(
        "Error: There is a team 'Acmé Homes' (id acme_homes) already."
    )


def test_a_team_has_a_policy_that_keeps_as_it_was(
    call: Call, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that says something else is marked until a refold; a new description is nothing."""
    code, out, _ = call("teams", "add", "Dialers", "--policy", "strict_phone")
    assert (code, "policy strict_phone" in out) == (0, True)
    connection.execute("DELETE FROM teams WHERE team_id = 'acme'")
    listed = "Dialers  (id dialers, region US, policy strict_phone)\n"
    assert call("teams")[1] == listed
    filed = load_policies()["strict_phone"]
    for change, mark in (
        ({"description": "Anew."}, ""),
        ({"shared_after": 9}, ", changed since: leadfold refold dialers"),
    ):
        changed = {"strict_phone": filed.model_copy(update=change)}
        monkeypatch.setattr("flows.teams.load_policies", lambda changed=changed: changed)
        assert call("teams")[1] == listed.replace(")", f"{mark})")
        told = json.loads(call("teams", "--json")[1])
        assert told["is_policy_changed"] == bool(mark)
        assert told["policy_rules"]["shared_after"] == 3
    monkeypatch.setattr("flows.teams.load_policies", dict)
    assert "changed since" in call("teams")[1]


def test_a_team_of_a_policy_that_there_is_not(call: Call) -> None:
    """A slip of the pen adds no team."""
    code, _, err = call("teams", "add", "Dialers", "--policy", "strict_fone")
    assert (code, "Unknown policy 'strict_fone'. Did you mean 'strict_phone'?" in err) == (2, True)
    assert call("teams")[1].startswith("There are no teams yet")


def test_policies_are_listed_with_a_sentence_and_shown_whole(call: Call) -> None:
    """What is shown is a policy file: it says every setting, and is read as the same policy."""
    code, out, _ = call("policies")
    assert code == 0
    assert {line.split()[0] for line in out.splitlines()} == set(load_policies())
    assert all(line.endswith(".") for line in out.splitlines())
    for name, policy in load_policies().items():
        out = call("policies", name)[1]
        assert set(yaml.safe_load(out)) == set(Policy.model_fields)
        assert parse_policy(out) == policy
    assert call("policies", "defalt")[0] == 2


def test_an_import_is_told_in_a_table_and_found_again(call: Call, good: Path) -> None:
    """import, imports, show and rejects tell of the same import."""
    code, out, _ = call("import", good, "--team", "Acme", "--source", "generic", "--new-team")
    assert code == 0
    import_id = out.strip().splitlines()[-1].removeprefix("good.csv: ")
    assert import_id.startswith("import_")
    assert import_id[-6:] in call("imports")[1]
    assert "no_identity" in call("show", import_id[-8:])[1]
    code, out, _ = call("rejects", import_id)
    assert (code, "Zed,12" in out) == (0, True)


def test_json_is_one_object_a_file_with_the_names_of_the_ledger(call: Call, good: Path) -> None:
    """What scripts read is stable."""
    call("teams", "add", "Acme")
    code, out, _ = call("import", good, good, "--team", "acme", "--source", "generic", "--json")
    first, second = (json.loads(line) for line in out.splitlines())
    assert code == 0
    assert first.pop("import_id") < second.pop("import_id")
    assert first == {
        "team_id": "acme",
        "source": "generic",
        "file_name": "good.csv",
        "status": "done",
        "match": {"source_record": 0, "crm_id": 0, "phone": 0, "email": 0, "new": 1},
        "rows_landed": 2,
        "rows_rejected": 1,
        "rows_duplicate": 0,
        "rows_inserted": 1,
        "rows_updated": 0,
        "rows_unchanged": 0,
        "rows_deleted": 0,
        "effects": {"identities": {"insert": 1}, "leads": {"insert": 1}, "personas": {"insert": 1}},
        "reason": "",
    }
    assert (second["rows_inserted"], second["rows_unchanged"], second["effects"]) == (0, 1, {})


def test_rejects_go_to_a_csv_that_a_spreadsheet_may_open(
    call: Call, tmp_path: Path, settings: Settings
) -> None:
    """Each row tells its import and line; a formula among them does not run."""
    path, target = tmp_path / "bad.csv", tmp_path / "rejects.csv"
    path.write_text("name,phone\n=cmd|' /C calc'!A0,12\n")
    _, out, _ = call(
        *("import", path, "--team", "Acme", "--source", "generic", "--new-team", "--json")
    )
    import_id = json.loads(out)["import_id"]
    code, out, _ = call("rejects", import_id, "--csv", target)
    assert (code, out) == (0, f"1 rejected rows written to {target}.\n")
    header, row = target.read_text(encoding="utf-8-sig").splitlines()
    assert header == "_leadfold_import,_leadfold_line,_leadfold_reason,name,phone"
    assert row.startswith(f'{import_id},2,"no_identity: ')
    assert row.endswith(",'=cmd|' /C calc'!A0,12")


@pytest.mark.parametrize(
    ("content", "arguments", "code", "message"),
    [
        (None, ("--team", "Acme", "--source", "generic"), 2, "There is no file"),
        (GOOD, ("--team", "Acme", "--source", "hubspo"), 2, "Did you mean 'hubspot'?"),
        (GOOD, ("--team", "Acmee", "--source", "generic"), 2, "Did you mean 'Acme' or"),
        (GOOD, ("--team", "ACME", "--source", "generic"), 2, "Did you mean 'Acme'"),
        (GOOD, ("--source", "generic"), 2, "Missing option '--team'"),
        ("", ("--team", "Acme", "--source", "generic"), 1, "the file is empty"),
        ("name,phone\n", ("--team", "Acme", "--source", "generic"), 1, "a header but no rows"),
        (GOOD, ("--team", "Acme", "--source", "hubspot"), 1, "missing column 'Record ID"),
        ("city\nBonn\n", ("--team", "Acme", "--source", "generic"), 1, "identifies a person"),
    ],
)
def test_bad_input_gets_one_clear_sentence_and_its_exit_code(
    call: Call,
    connection: psycopg.Connection,
    tmp_path: Path,
    content: str | None,
    arguments: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    """No traceback, nothing half-written."""
    call("teams", "add", "Acme Homes")
    connection.execute("UPDATE teams SET name = 'Acme' WHERE team_id = 'acme'")
    path = tmp_path / "bad.csv"
    if content is not None:
        path.write_text(content)
    before = snapshot(connection)
    found, out, err = call("import", path, *arguments)
    assert (found, message in err) == (code, True), err
    assert "Traceback" not in out + err
    assert snapshot(connection) == before
    states = connection.execute("SELECT status FROM imports").fetchall()
    assert states in ([], [("failed",)], [("held",)])
    assert len(states) == (1 if code == 1 else 0)


@pytest.mark.parametrize(
    "arguments",
    [("imports",), ("teams",), ("import", "good.csv", "--team", "a", "--source", "generic")],
)
def test_a_database_that_does_not_answer(
    call: Call, good: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """One sentence with the address, exit code 1."""
    monkeypatch.chdir(good.parent)
    monkeypatch.setenv("LEADFOLD_DATABASE_URL", "postgresql://x:secret@127.0.0.1:9/none")
    code, out, err = call(*arguments)
    assert code == 1
    assert err.startswith("Error: The database at 127.0.0.1:9/none does not answer")
    assert "Traceback" not in out + err
    assert "secret" not in out + err


def test_a_dry_run_for_a_new_team_adds_none(
    call: Call, connection: psycopg.Connection, good: Path
) -> None:
    """It tells what would happen, writes nothing, and names no import that could be looked up."""
    before = snapshot(connection)
    arguments = ("import", good, "--team", "Beta", "--source", "generic", "--new-team")
    code, out, err = call(*arguments, "--dry-run")
    assert (code, "dry run" in out, "import_" in out, err) == (0, True, False, "")
    assert snapshot(connection) == before
    code, out, _ = call(*arguments, "--dry-run", "--json", "--region", "gb")
    assert (code, json.loads(out)["team_id"]) == (0, "beta")
    assert snapshot(connection) == before
    code, _, err = call(*arguments, "--dry-run", "--prefect")
    assert (code, "Leave out --prefect" in err) == (2, True)
    code, _, err = call(*arguments[:2], "--team", "ACME", *arguments[4:], "--dry-run")
    assert (code, "There is a team 'acme' already" in err) == (2, True)
    assert call(*arguments)[0] == 0
    assert [team for (team,) in connection.execute("SELECT name FROM teams ORDER BY name")] == [
        "Beta",
        "acme",
    ]


def test_a_region_is_for_new_teams(call: Call, connection: psycopg.Connection, good: Path) -> None:
    """A team keeps the region it has: another one for one import would be silently ignored."""
    arguments = ("--source", "generic", "--new-team", "--region")
    assert call("import", good, "--team", "London", *arguments, "gb")[0] == 0
    assert "region GB" in call("teams")[1]
    assert call("import", good, "--team", "London", *arguments, "GB")[0] == 0
    code, _, err = call("import", good, "--team", "London", *arguments, "US")
    assert (code, err) == (
        2,
        "Error: Team 'London' is of region GB, not US.\n"
        "Leave --region out: it is only for new teams.\n",
    )
    before = snapshot(connection)
    code, _, err = call("import", good, "--team", "Other", *arguments, "UK")
    assert (code, "For 'UK' write GB." in err) == (2, True)
    assert snapshot(connection) == before


@pytest.mark.parametrize("limit", ["0", "-1", "all"])
def test_a_limit_is_a_number_from_one(call: Call, limit: str) -> None:
    """Anything else is a wrong call, not an error of Postgres."""
    code, _, err = call("imports", "--limit", limit)
    assert (code, "Invalid value for '--limit'" in err) == (2, True)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LEADFOLD_CHUNK_ROWS", "abc"),
        ("LEADFOLD_CHUNK_ROWS", "0"),
        ("LEADFOLD_LOCK_WAIT_SECONDS", "1h"),
        ("LEADFOLD_CONNECT_TIMEOUT_SECONDS", "-1"),
        ("LEADFOLD_MEMORY_LIMIT", "lots"),
        ("LEADFOLD_MEMORY_LIMIT", "1024"),
        ("LEADFOLD_HOME", "~no-such-user/leadfold"),
    ],
)
def test_a_wrong_setting_is_named(
    call: Call, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """Whoever set it reads which variable it was, and what it may hold."""
    monkeypatch.setenv(variable, value)
    code, out, err = call("imports")
    assert (code, out, variable in err) == (2, "", True)


def test_a_setting_of_nothing_is_not_set(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a line ``LEADFOLD_CHUNK_ROWS=`` in an env file means it."""
    for variable in ("CHUNK_ROWS", "MEMORY_LIMIT", "LOCK_WAIT_SECONDS", "CONNECT_TIMEOUT_SECONDS"):
        monkeypatch.setenv(f"LEADFOLD_{variable}", "")
    assert call("imports")[0] == 0


def test_a_home_that_cannot_be_written_is_named(
    call: Call, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence with the path, and exit code 1."""
    monkeypatch.setenv("LEADFOLD_HOME", str(good / "home"))
    code, out, err = call("import", good, "--team", "A", "--source", "generic", "--new-team")
    assert (code, out, err) == (1, "", f"Error: {good}/home/work: Not a directory.\n")


def test_a_file_that_cannot_be_looked_at_is_named(call: Call) -> None:
    """What the system says of a path is passed on."""
    path = "x" * 300 + ".csv"
    code, _, err = call("import", path, "--team", "A", "--source", "generic")
    assert (code, err) == (1, f"Error: {path}: File name too long.\n")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied", "/closed/a.csv"), "/closed/a.csv: Permission"),
        (OSError(28, "No space left on device"), "No space left on device."),
        (psycopg.errors.DiskFull("disk full\nDETAIL: ann@example.com"), "Postgres: disk full\n"),
        (ZeroDivisionError("by zero\nann@example.com"), "ZeroDivisionError: by zero\n"),
        (ValueError("\x1b]0;owned\x07"), r"ValueError: \x1b]0;owned\x07"),
        (AssertionError(), "AssertionError: AssertionError\n"),
    ],
)
def test_what_nobody_foresaw_is_a_sentence_too(
    call: Call, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    """A traceback only for those who ask for it, and nobody's data."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("flows.local_postgres.stop", fail)
    code, out, err = call("stop")
    assert (code, out) == (1, "")
    assert err.startswith(f"Error: {said}")
    assert "Traceback" not in err
    assert "ann@" not in err
    monkeypatch.setenv("LEADFOLD_DEBUG", "1")
    with pytest.raises(type(error)):
        call("stop")


def test_a_reader_who_leaves_is_no_fault(tmp_path: Path, settings: Settings) -> None:
    """``leadfold imports --json | head -1`` ends in silence."""
    code = (
        "import os, sys; from flows import cli\n"
        "read, write = os.pipe(); os.close(read); os.dup2(write, 1)\n"
        "cli.main(['dsn'])"
    )
    environment = {
        **os.environ,
        "LEADFOLD_HOME": str(settings.home),
        "LEADFOLD_DATABASE_URL": settings.database_url,
    }
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert (done.returncode, done.stderr) == (1, "")


def test_an_unknown_import_is_a_wrong_call(call: Call) -> None:
    """show and rejects say so, and how to find the right one."""
    for command in ("show", "rejects"):
        code, _, err = call(command, "import_none")
        assert (code, err) == (
            2,
            "Error: There is no import 'import_none'. To see the newest: leadfold imports\n",
        )


def test_migrate_and_dsn(call: Call, settings: Settings) -> None:
    """The schema is brought up to date, and other tools are told where it is."""
    assert call("migrate")[1] == "The schema is up to date.\n"
    assert call("dsn")[1].strip() == settings.database_url


def test_every_command_has_help() -> None:
    """Whoever asks for help gets a sentence, for each command and each option."""
    for name, command in cli.leadfold.commands.items():
        assert command.help, name
        for parameter in command.params:
            assert (
                getattr(parameter, "help", None)
                or parameter.param_type_name == "argument"
                or (parameter.name == "limit")
            ), f"{name} {parameter.name}"


def test_every_command_is_in_the_readme() -> None:
    """A command that nobody can find in the documentation is not there."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in cli.leadfold.commands:
        assert re.search(rf"\bleadfold {name}\b", readme), name


def _ask_python(code: str) -> str:
    """What a Python of its own prints last."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout.splitlines()[-1]


def test_help_is_instant_because_heavy_imports_wait() -> None:
    """``leadfold --help`` loads neither Polars nor DuckDB nor Prefect nor phone tables."""
    loaded = _ask_python(
        "import sys; from flows.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('polars', 'duckdb', 'prefect',"
        " 'psycopg', 'rich', 'phonenumbers', 'pycountry') if m in sys.modules])"
    )
    assert loaded == "[]"


def test_no_program_of_ours_loads_what_only_tests_need() -> None:
    """Pandera has Hypothesis make up data, where it is installed, which takes longer than all else
    that Pandera loads."""
    has_hypothesis = _ask_python(
        "import sys; from flows.cli import main\n"
        "sys.argv = ['leadfold', '--help']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "from pandera.strategies import base_strategies\n"
        "print(base_strategies.HAS_HYPOTHESIS)"
    )
    assert has_hypothesis == "False"


def test_the_installed_command_runs(tmp_path: Path, settings: Settings) -> None:
    """The console script of the environment, as a program of its own."""
    program = Path(sys.executable).with_name("leadfold")
    environment = {
        **os.environ,
        "LEADFOLD_HOME": str(settings.home),
        "LEADFOLD_DATABASE_URL": settings.database_url,
    }
    done = subprocess.run(
        [program, "imports"], capture_output=True, text=True, env=environment, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("There are no imports yet")
