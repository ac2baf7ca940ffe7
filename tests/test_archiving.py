"""What is kept of files that are in: all of it, but for rows of people who were erased."""

import gzip
from pathlib import Path

import psycopg
import pytest

from flows import inbox, ledger, teams
from flows.archiving import list_imported, was_imported
from flows.dropping import import_dropped_files
from flows.importing import run_import
from flows.jobs import Request
from flows.settings import Settings
from tests.conftest import Import
from tests.test_erasing import ANN, BOB, CID, HEADER, erase, leftovers


@pytest.fixture
def erased(settings: Settings, import_text: Import) -> None:
    """A team from which Zelda Quist was erased."""
    import_text(HEADER + ANN)
    erase(settings)


def drop(settings: Settings, connection: psycopg.Connection, name: str, content: bytes) -> Path:
    """Drop a file and import it; gives its place in the archive."""
    folder = settings.drop / "acme" / "generic"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    team = teams.find_team(connection, "acme")
    (ended,) = import_dropped_files(team, settings, lambda request: run_import(request, settings))
    assert ended.status == "done"
    return ended.path


@pytest.mark.usefixtures("erased")
def test_a_dropped_file_is_kept_without_who_was_erased(
    settings: Settings, connection: psycopg.Connection
) -> None:
    """The other rows stay, at their lines; nothing under home speaks of the person."""
    path = drop(settings, connection, "again.csv", (HEADER + BOB + ANN + CID).encode())
    assert path.parent == settings.archive / "acme"
    assert path.read_text() == f"{HEADER}{BOB}\n\n{CID}"
    assert leftovers(connection, settings.home) == []


@pytest.mark.usefixtures("erased")
def test_what_cannot_be_kept_in_part_is_not_kept(
    settings: Settings, connection: psycopg.Connection
) -> None:
    """A packed file goes as a whole, and its report says so; its landed copy has the others."""
    path = drop(settings, connection, "again.csv.gz", gzip.compress((HEADER + ANN + BOB).encode()))
    assert not path.exists()
    assert "is not kept" in Path(f"{path}.report.txt").read_text()
    assert leftovers(connection, settings.home) == []
    assert f"{HEADER}\n\n{BOB}" in [each.read_text() for each in settings.landing.iterdir()]


@pytest.mark.usefixtures("erased")
def test_a_file_of_the_inbox_leaves_it_without_who_was_erased(
    settings: Settings, connection: psycopg.Connection
) -> None:
    """Though what the ledger knows is the cleaned copy; a file that came since then stays."""
    path = settings.inbox / "acme" / "again.csv"
    path.parent.mkdir(parents=True)
    path.write_text(HEADER + ANN + BOB)
    (outcome,) = run_import(Request(path, "acme", "generic"), settings)
    imported = list_imported(connection, [outcome.import_id])
    assert ledger.find_import(connection, outcome.import_id).file_hash == imported[0].file_hash

    path.write_text(HEADER + ANN + CID)
    inbox.clear(settings, "acme", path, imported)
    assert path.exists()
    path.write_text(HEADER + ANN + BOB)
    assert was_imported(path, imported, settings.work)
    inbox.clear(settings, "acme", path, imported)
    assert not path.exists()
    assert (settings.archive / "acme" / "again.csv").read_text() == f"{HEADER}\n\n{BOB}"
    assert leftovers(connection, settings.home) == []
