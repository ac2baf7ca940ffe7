"""Which files of the inbox a form offers, and what becomes of them."""

import os
from pathlib import Path

import pytest

from contracts.errors import WrongCallError
from contracts.registry import load_sources
from flows import forms, inbox
from flows.archiving import Imported
from flows.landing import land
from flows.settings import Settings
from flows.teams import Team

ACME = Team("acme", "Acme", "US", "default", "")
BETA = Team("beta", "Beta", "US", "default", "")


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    settings = Settings(tmp_path / "home")
    inbox.make_folders(settings, [ACME, BETA])
    return settings


def put(settings: Settings, name: str, at: int, text: str = "phone\n1\n") -> Path:
    path = settings.inbox / name
    path.write_text(text)
    os.utime(path, (at, at))
    return path


def test_the_newest_files_are_offered_first(home: Settings) -> None:
    """Links, folders, hidden and unfinished files are not, nor names that a form cannot show."""
    put(home, "acme/old.csv", 1)
    put(home, "beta/new.csv", 3)
    put(home, "acme/middle é.csv", 2)
    for name in (".hidden", "half.csv.part", "half.tmp", "copy.csv~", "a\x1bb.csv", "a\nb.csv"):
        put(home, f"acme/{name}", 4)
    (home.inbox / "acme" / "link.csv").symlink_to(home.inbox / "beta" / "new.csv")
    (home.inbox / "acme" / "folder.csv").mkdir()
    files = ["beta/new.csv", "acme/middle é.csv", "acme/old.csv"]
    assert inbox.list_files(home, [ACME, BETA]) == files
    assert inbox.list_files(home, [ACME]) == files[1:]
    for number in range(inbox.MOST_LISTED):
        put(home, f"beta/{number}.csv", 10)
    assert len(inbox.list_files(home, [ACME, BETA])) == inbox.MOST_LISTED


def test_an_empty_inbox_says_how_to_add_a_file(home: Settings) -> None:
    """The form offers the sentence, and refuses it."""
    fields = forms.form_schema(home, [ACME])["properties"]
    assert fields["team"]["enum"] == ["Acme"]
    assert fields["source"]["enum"] == ["auto", *load_sources()]
    (told,) = fields["file"]["enum"]
    assert "There is no file yet" in told
    with pytest.raises(WrongCallError, match=r"No file was chosen. Put the file into .*/acme/"):
        inbox.find_file(home, ACME, told)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("acme/../beta/new.csv", "does not name a file"),
        ("acme//etc/passwd", "does not name a file"),
        ("/etc/passwd", "does not name a file"),
        ("../acme/new.csv", "does not name a file"),
        ("acme/..", "does not name a file"),
        ("acme/a\0b", "does not name a file"),
        ("new.csv", "does not name a file"),
        ("beta/new.csv", "lies in the inbox of 'beta', not of 'Acme'"),
        ("acme/" + "x" * 300, "There is no file"),
        ("acme/link.csv", "is no plain file"),
        ("acme/folder", "is no plain file"),
    ],
)
def test_nothing_else_is_read(home: Settings, file: str, said: str) -> None:
    """Neither another team's file nor one outside, by whatever trick."""
    put(home, "beta/new.csv", 1)
    (home.inbox / "acme" / "folder").mkdir()
    (home.inbox / "acme" / "link.csv").symlink_to(home.inbox / "beta" / "new.csv")
    with pytest.raises(WrongCallError, match=said):
        inbox.find_file(home, ACME, file)


def test_a_team_folder_that_leads_elsewhere_is_none(home: Settings, tmp_path: Path) -> None:
    """A link in place of a folder would make the whole machine an inbox."""
    (home.inbox / "acme").rmdir()
    (tmp_path / "secret.csv").write_text("phone\n1\n")
    (home.inbox / "acme").symlink_to(tmp_path)
    with pytest.raises(WrongCallError, match="is no plain file"):
        inbox.find_file(home, ACME, "acme/secret.csv")


def test_what_was_imported_moves_to_the_archive(home: Settings) -> None:
    """Under another name where its own is taken; a file that was replaced meanwhile stays."""
    for text in ("phone\n1\n", "phone\n2\n"):
        path = put(home, "acme/list.csv", 1, text)
        imported = [Imported(batch.sha256, "generic") for batch in land(path, home.landing)]
        inbox.clear(home, "acme", path, imported)
        assert not path.exists()
    inbox.clear(home, "acme", path, imported)
    archived = sorted(each.name for each in (home.archive / "acme").iterdir())
    assert (len(archived), archived[-1]) == (2, "list.csv")
    path = put(home, "acme/list.csv", 1, "phone\n3\n")
    inbox.clear(home, "acme", path, imported)
    assert path.exists()
