"""The doctor: each fault, made for real, is told with what to do; what is well is told as well."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from prefect.states import Late

from flows import doctor_database, doctor_files, doctor_prefect, doctor_schema
from flows.checks import Finding
from flows.cli import leadfold
from flows.deployments import list_deployments
from flows.doctor import examine
from flows.doctor_settings import list_unmet
from flows.landing import land
from flows.maintain import maintain
from flows.settings import Settings
from flows.workspace import hold_workspace
from tests.ledger_rows import add_import
from tests.prefect_server import wait_for


def told(findings: Iterator[Finding]) -> list[str]:
    """What is not well, with its remedy."""
    return [
        f"{each.status}: {each.says} -> {each.remedy}" for each in findings if each.status != "ok"
    ]


def test_a_new_database_is_well(settings: Settings, connection: psycopg.Connection) -> None:
    """Nothing that the migrations make is missed, and nothing of it is left unlooked at."""
    assert told(doctor_database.check_database(settings)) == []
    unique = connection.execute(
        "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON oid = indrelid"
        " WHERE indisunique AND relnamespace = 'public'::regnamespace"
        " AND relname <> 'leadfold_migrations'"
    ).fetchall()
    made = doctor_schema.list_made()
    assert {name for (name,) in unique} == set(made["unique"])
    tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert {name for (name,) in tables} == {*made["table"], "leadfold_migrations"}
    assert len(made["trigger"]) == 19
    assert "imports_every_row_is_accounted_for" in made["constraint"]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (
            "DROP INDEX identities_exclusive_unique_idx",
            "wrong: Unique index identities_exclusive_unique_idx is not there: what it keeps out"
            " may come in. -> Make it anew, as flows/migrations/0012_claims_by_value.sql does.",
        ),
        (
            "ALTER TABLE personas DROP CONSTRAINT personas_pkey",
            "wrong: Unique index personas_pkey is not there",
        ),
        (
            "ALTER TABLE imports DROP CONSTRAINT imports_every_row_is_accounted_for",
            "wrong: Constraint imports_every_row_is_accounted_for is not there",
        ),
        (
            "ALTER TABLE imports DROP CONSTRAINT imports_status_check,"
            " ADD CONSTRAINT imports_status_check CHECK (status <> '') NOT VALID",
            "ALTER TABLE imports VALIDATE CONSTRAINT imports_status_check;",
        ),
        (
            "ALTER TABLE personas DISABLE TRIGGER leadfold_follow_claims",
            "wrong: Trigger leadfold_follow_claims is off: edits by hand are not noticed. ->"
            " ALTER TABLE personas ENABLE TRIGGER leadfold_follow_claims;",
        ),
        (
            "SET leadfold.lists_claims = 'yes'; SET leadfold.import_id = 'import_1';"
            "INSERT INTO identities VALUES ('acme', 'phone', '+14155552671', 'persona_gone');"
            "RESET leadfold.import_id; RESET leadfold.lists_claims",
            "wrong: 1 of 1 claims name nobody who is there.",
        ),
        (
            "INSERT INTO personas (team_id, persona_id) VALUES ('acme', 'ann');"
            "SET leadfold.lists_claims = 'yes'; INSERT INTO identities VALUES"
            " ('acme', 'phone', '+1', 'ann', true), ('acme', 'phone', '+1', 'ann', false);"
            "RESET leadfold.lists_claims",
            "wrong: 2 of 2 claims are held alone and shared. -> Somebody changed identities by"
            " hand: of two rows of one persona, delete one.",
        ),
        *(
            (
                "INSERT INTO personas (team_id, persona_id, phone) VALUES ('acme', 'ann', '+1');"
                f"SET leadfold.import_id = 'import_1'; UPDATE personas SET {unlike};"
                "RESET leadfold.import_id",
                f"wrong: {told} -> Triggers were off, or identities truncated:"
                " SELECT leadfold_list_claims();",
            )
            for unlike, told in (
                (
                    "claims = '{}'",
                    "1 claims are not listed with who holds them, 0 with others.",
                ),
                (
                    "shared_claims = '{phone=+1}'",
                    "1 claims are not listed with who holds them, 0 with others.",
                ),
                (
                    "claims = '{phone=+1,phone=+2}'",
                    "0 claims are not listed with who holds them, 1 with others.",
                ),
            )
        ),
        (
            "DELETE FROM leadfold_migrations WHERE name = '0006_one_index.sql'",
            "warning: Not applied yet: 0006_one_index.sql. -> The next command does so, or:"
            " leadfold migrate",
        ),
        (
            "INSERT INTO leadfold_migrations VALUES ('9999_later.sql', '')",
            "wrong: The database knows migration 9999_later.sql",
        ),
        (
            "DROP TABLE opt_outs CASCADE",
            'wrong: Postgres: relation "public.opt_outs" does not exist',
        ),
        (
            "UPDATE teams SET policy_rules = '{\"name\": 7}'",
            "wrong: The policy in effect for team 'acme' is not a policy:",
        ),
    ],
)
def test_what_is_wrong_in_the_database_is_told(
    settings: Settings, connection: psycopg.Connection, fault: str, expected: str
) -> None:
    """Missing, invalid, switched off or astray: with the statement that mends it."""
    connection.execute(fault)
    assert any(expected in each for each in told(doctor_database.check_database(settings)))
    # It is left to people: asked again, it is the same.
    assert any(expected in each for each in told(doctor_database.check_database(settings)))


def test_an_index_that_was_not_finished_is_told(
    settings: Settings, connection: psycopg.Connection
) -> None:
    """A unique index that was made over rows that are not unique stays behind, invalid."""
    connection.execute("DROP INDEX imports_commit_idx")
    for _ in range(2):
        entry = add_import(connection)
        connection.execute("UPDATE imports SET commit_no = 7 WHERE import_id = %s", [entry])
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(
            "CREATE UNIQUE INDEX CONCURRENTLY imports_commit_idx ON imports (team_id, commit_no)"
        )
    assert told(doctor_schema.check_promises(connection)) == [
        "wrong: Index imports_commit_idx is not valid: Postgres does not keep to it. ->"
        " REINDEX INDEX CONCURRENTLY imports_commit_idx;"
    ]


def test_a_user_who_may_not_write_is_told(
    settings: Settings, connection: psycopg.Connection
) -> None:
    """The rights that are missing are named."""
    connection.execute("DROP ROLE IF EXISTS reader")
    connection.execute("CREATE ROLE reader LOGIN")
    try:
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
        reader = settings.database_url.replace("leadfold@", "reader@")
        found = told(doctor_database.check_database(replace(settings, database_url=reader)))
        assert found[0].startswith("wrong: User reader lacks rights: INSERT on teams, UPDATE on")
    finally:
        connection.execute("DROP OWNED BY reader; DROP ROLE reader")


def test_a_server_that_is_away_or_read_only_is_one_line(
    settings: Settings, connection: psycopg.Connection
) -> None:
    """Nothing else can be said of a database that does not answer, and no password is told."""
    away = replace(settings, database_url="postgresql://eve:secret@127.0.0.1:1/none")
    (only,) = told(doctor_database.check_database(away))
    assert only.startswith("wrong: The database at 127.0.0.1:1/none does not answer")
    assert "secret" not in only
    (none,) = told(doctor_database.check_database(replace(settings, database_url="")))
    assert none.startswith("warning: There is no database yet.")
    assert not (settings.home / "postgres").exists()
    name = connection.info.dbname
    connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert "read-only" in told(doctor_database.check_database(settings))[0]


def test_imports_that_wait_or_died_are_told(
    settings: Settings, connection: psycopg.Connection
) -> None:
    """One that runs in a process that lives is well."""
    alive = add_import(connection, status="running")
    dead = add_import(connection, status="running")
    add_import(connection, status="held", holds=[{"code": "header_drift"}])
    with hold_workspace(settings.work, alive):
        (settings.work / f"{dead}.lock").touch()
        held, running = told(doctor_database.check_imports(connection, settings))
        (left,) = told(doctor_files.check_leftovers(settings))
    assert held.startswith("warning: 1 imports are held for a person")
    assert f"1 imports that say 'running': {dead}." in running
    assert left.startswith("warning: Left behind by killed imports: 1 work folders.")


def test_clocks_are_compared() -> None:
    """What passes while the server is asked is no difference."""
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    second = timedelta(seconds=1)
    for server, status, says in (
        (now + 3 * second, "ok", "agrees with ours"),
        (now + 15 * second, "ok", "agrees with ours"),
        (now + 16 * second, "warning", "6 s ahead of ours"),
        (now - 6 * second, "warning", "6 s behind ours"),
        (now - 3600 * second, "wrong", "3,600 s behind ours"),
    ):
        found = doctor_database.judge_clock(now, server, now + 10 * second)
        assert (found.status, says in found.says) == (status, True), server


def test_space_is_judged_by_the_largest_file() -> None:
    """Below 1 GB or 5 % is told; no room for another such file is wrong."""
    giga = 10**9
    for total, free, largest, status in (
        (100 * giga, 6 * giga, giga, "ok"),
        (100 * giga, 4 * giga, 0, "warning"),
        (10 * giga, giga - 1, 0, "warning"),
        (100 * giga, 6 * giga, 2 * giga, "wrong"),
    ):
        assert doctor_files.judge_space(total, free, largest).status == status


@contextmanager
def as_stranger() -> Iterator[None]:
    """As a user whom modes bind: root may do anything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_folders_that_cannot_be_used_are_told() -> None:
    """A folder that is read-only, one that is none, and files that others may read."""
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(Path(name))
        assert told(doctor_files.check_folders(settings)) == []
        settings.home.chmod(0o555)
        for folder in (settings.landing, settings.drop):
            folder.mkdir(mode=0o700)
        settings.inbox.write_text("no folder")
        with as_stranger():
            refused = told(doctor_files.check_folders(settings))
        assert refused[0].startswith(f"wrong: {name} cannot be written to: permission denied. ->")
        assert f"wrong: {name}/inbox cannot be written to: not a directory." in "".join(refused)

        settings.inbox.unlink()
        path = Path(name) / "list.csv"
        path.write_text("phone\n1\n")
        (batch,) = land(path, settings.landing)
        assert told(doctor_files.check_privacy(settings)) == []
        batch.path.chmod(0o644)
        settings.landing.chmod(0o755)
        settings.drop.chmod(0o770)
        assert told(doctor_files.check_privacy(settings)) == [
            f"warning: Others may read {name}/landing. -> chmod go-rwx '{name}/landing'",
            f"warning: Others may read landed files, such as {batch.path.name}. ->"
            f" chmod 600 '{name}/landing'/*",
        ]
        settings.home.chmod(0o700)
        assert told(doctor_files.check_privacy(settings)) == []


def test_packages_that_do_not_go_together_are_told() -> None:
    """Also those that Prefect itself would take."""
    assert list_unmet(["click>=8", "pytest<1; extra == 'dev'", "x; python_version < '3'"]) == []
    unmet = list_unmet(["fastapi<0.1", "no-such-package>=1"])
    assert unmet[0].startswith("fastapi 0.")
    assert unmet[1] == "no-such-package (missing)"


def test_the_command_tells_what_is_wrong(
    settings: Settings, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 0 with warnings alone, 1 where something is wrong; as text and as JSON."""
    settings.home.mkdir()
    monkeypatch.setenv("LEADFOLD_HOME", str(settings.home))
    monkeypatch.setenv("LEADFOLD_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("LEADFOLD_UI_PORT", "1")
    well = CliRunner().invoke(leadfold, ["doctor"])
    assert (well.exit_code, "To start it: leadfold up" in well.output) == (0, True), well.output

    (settings.home / "retention.yaml").write_text("landed: never\n")
    (settings.home / "feeds.yaml").write_text("feeds: [{id: A B}]\n")
    monkeypatch.setenv("LEADFOLD_UI_HOST", "0.0.0.0")
    ill = CliRunner().invoke(leadfold, ["doctor", "--json"])
    said = json.loads(ill.output)
    assert (ill.exit_code, said["is_well"]) == (1, False)
    wrong = [each["says"] for each in said["findings"] if each["status"] == "wrong"]
    assert len(wrong) == 3
    assert "retention.yaml is no retention" in wrong[0]
    assert "feeds.yaml" in wrong[1]
    assert "LEADFOLD_UI_HOST is 0.0.0.0: other machines could come in" in wrong[2]


def test_nothing_is_raised_where_nothing_is_there(tmp_path: Path) -> None:
    """A machine on which nothing ran yet has a look, too, and is not touched."""
    settings = Settings(tmp_path / "none", ui_port=1)
    assert {each.status for each in examine(settings)} == {"ok", "warning"}
    assert not settings.home.exists()


def test_what_prefect_lacks_is_told(prefect_api: str, settings: Settings) -> None:
    """Deployments that are missing, that nobody serves, or that are late; and a wrong login."""

    def ask() -> list[str]:
        return told(doctor_prefect.check_server(settings))

    # The server is shared: other tests may have left theirs.
    with get_client(sync_client=True) as client:
        for each in client.read_deployments():
            client.delete_deployment(each.id)
    (missing,) = ask()
    names = [each.name for each in list_deployments()]
    assert missing.startswith(f"wrong: Not deployed: {', '.join(names)}.")
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(maintain)
        ids = [client.create_deployment(flow_id, name) for name in names]
        (idle,) = ask()
        assert idle.startswith(f"wrong: Nobody runs what is due of {', '.join(sorted(names))}.")
        client.request(
            "POST",
            "/deployments/get_scheduled_flow_runs",
            json={"deployment_ids": [str(each) for each in ids]},
        )
        hour_ago = datetime.now(UTC) - timedelta(hours=1)
        wait_for(lambda: ask() == [])
        client.create_flow_run_from_deployment(ids[0], state=Late(scheduled_time=hour_ago))
        (late,) = ask()
        assert late.startswith("warning: 1 runs should have begun five minutes ago: ")
    with temporary_settings({PREFECT_API_AUTH_STRING: "eve:wrong"}):
        (stranger,) = ask()
    assert stranger == (
        f"wrong: The Prefect server at {prefect_api} does not let us in. ->"
        " Set PREFECT_API_AUTH_STRING to its user:password."
    )
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:1/api"}):
        (away,) = ask()
    assert away.startswith("wrong: No Prefect server answers at http://127.0.0.1:1/api.")
