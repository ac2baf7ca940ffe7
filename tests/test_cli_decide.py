"""``leadfold decide``: what the UI's form does, on the command line."""

from pathlib import Path

import psycopg

from flows import ledger
from tests.test_cli import Call, call  # noqa: F401
from tests.test_held import TEXT


def test_a_held_import_is_decided_by_command(
    call: Call,  # noqa: F811
    connection: psycopg.Connection,
    tmp_path: Path,
) -> None:
    """The import says how; one choice is needed; the ledger keeps who it was."""
    path = tmp_path / "list.csv"
    path.write_text(TEXT)
    code, _, err = call("import", path, "--team", "acme", "--source", "generic")
    (entry,) = ledger.list_imports(connection)
    assert (code, f"To decide: leadfold decide {entry.import_id} with" in err) == (1, True)
    code, _, err = call("decide", entry.import_id, "--apply", "--reject")
    assert (code, "Say one of --apply, --reject and --source" in err) == (2, True)
    code, out, _ = call("decide", entry.import_id[-6:], "--apply", "--by", "Eve")
    assert (code, "list.csv: Done: 70 rows: 60 new, 0 changed, 10 rejected." in out) == (0, True)
    (hold,) = ledger.find_import(connection, entry.import_id).holds
    assert (hold["decision"], hold["decided_by"]) == ("apply", "Eve")


def test_a_file_that_is_declined_is_as_was_decided(
    call: Call,  # noqa: F811
    connection: psycopg.Connection,
    tmp_path: Path,
) -> None:
    """Declining is no failure; deciding again changes nothing, and says so by its exit code."""
    path = tmp_path / "list.csv"
    path.write_text(TEXT)
    call("import", path, "--team", "acme", "--source", "generic")
    (entry,) = ledger.list_imports(connection)
    assert call("decide", entry.import_id, "--reject", "--json")[0] == 0
    code, out, _ = call("decide", entry.import_id, "--apply")
    assert (code, "Declined" in out) == (1, True)
