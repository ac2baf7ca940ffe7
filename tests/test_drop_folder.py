"""Files that are dropped: each is imported once, whole, and lies where it belongs with a report."""

import csv
import multiprocessing
import os
import re
import signal
import socket
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from contracts.errors import DatabaseUnavailableError
from flows import drop_claims, dropping, ledger, teams
from flows.cli import leadfold
from flows.dropped_files import Dropped, Settling, is_being_written, list_dropped
from flows.dropping import Ended, import_dropped_files, refuse_nobodys, settle_held
from flows.importing import run_import
from flows.jobs import Outcome, Request
from flows.settings import Settings
from tests.children import FORKABLE, drop_and_die
from tests.pages import ROOT

HEADER = "first_name,phone\n"
GOOD = HEADER + "Ann,+14155552671\nBob,+14155552672\n"
BAD = HEADER + "Zed,12\nAnn,+14155552671\n"
HELD = HEADER + "".join(f"Zed{n},12\n" for n in range(20))


class Folder:
    """The drop folder of a test, and what is done with it."""

    def __init__(self, settings: Settings, connection: psycopg.Connection) -> None:
        self.settings, self.connection = settings, connection

    def put(self, name: str, text: str | bytes = GOOD, where: str = "acme/auto") -> Path:
        path = self.settings.drop / where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def look(self) -> list[Dropped]:
        """What is ready, without waiting for it."""
        return list_dropped(self.settings, teams.list_teams(self.connection), Settling(0))

    def take_all(self, import_one: dropping.ImportOne | None = None) -> list[Ended]:
        """Import all, and refuse what is nobody's."""
        ended = list(
            import_dropped_files(
                teams.find_team(self.connection, "acme"),
                self.settings,
                import_one or (lambda request: run_import(request, self.settings)),
            )
        )
        return ended + refuse_nobodys(self.settings, self.look())

    def lying(self, name: str) -> list[str]:
        """Files below a folder of home, by their path in it."""
        top = self.settings.home / name
        return sorted(str(p.relative_to(top)) for p in top.rglob("*") if not p.is_dir())

    def read(self, name: str) -> str:
        return (self.settings.home / name).read_text()

    def imported(self) -> list[tuple[str, str]]:
        """File and status of each import, the oldest first."""
        found = ledger.list_imports(self.connection, limit=1000)
        return [(entry.file_name, entry.status) for entry in reversed(found)]


@pytest.fixture
def folder(settings: Settings, connection: psycopg.Connection) -> Folder:
    return Folder(settings, connection)


def test_each_file_is_imported_and_lies_where_it_belongs(folder: Folder) -> None:
    """In the order of their own times; with a report, and rejects that can be corrected."""
    for number, (name, text, where) in enumerate(
        [
            ("late.csv", GOOD, "acme"),
            ("bad.csv", BAD, "acme/generic"),
            ("no.pdf", "%PDF-1.4", "acme/auto/2026/02"),
        ]
    ):
        path = folder.put(name, text, where)
        os.utime(path, (1e9 - number, 1e9 - number))
    ended = folder.take_all()
    assert [(each.claim.name, each.status) for each in ended] == [
        ("no.pdf", "failed"),
        ("bad.csv", "done"),
        ("late.csv", "done"),
    ]
    assert folder.imported() == [("no.pdf", "failed"), ("bad.csv", "done"), ("late.csv", "done")]
    assert folder.lying("archive") == [
        *("acme/bad.csv", "acme/bad.csv.rejects.csv", "acme/bad.csv.report.txt"),
        *("acme/late.csv", "acme/late.csv.report.txt"),
    ]
    assert folder.lying("quarantine") == ["acme/no.pdf", "acme/no.pdf.report.txt"]
    assert folder.lying("drop") == []
    assert "no.pdf: this is a PDF document." in folder.read("quarantine/acme/no.pdf.report.txt")
    told = folder.read("archive/acme/bad.csv.report.txt")
    assert "no_identity" in told
    assert "bad.csv.rejects.csv" in told
    for name in ("bad.csv.rejects.csv", "bad.csv.report.txt"):
        assert (folder.settings.archive / "acme" / name).stat().st_mode & 0o777 == 0o600


def test_rejects_that_are_corrected_and_dropped_are_loaded(folder: Folder) -> None:
    """Whoever corrects the file beside the report needs to know nothing else."""
    folder.put("list.csv", BAD)
    folder.take_all()
    text = folder.read("archive/acme/list.csv.rejects.csv").replace(",12", ",+14155552699")
    folder.put("list.csv.rejects.csv", text)
    (ended,) = folder.take_all()
    assert (ended.status, ended.outcomes[0].counts.inserted) == ("done", 1)
    first, second = reversed(ledger.list_imports(folder.connection))
    assert (second.cause, second.corrects_import_id) == ("correction", first.import_id)
    rejects = folder.read("archive/acme/list.csv.rejects.csv")
    assert len(list(csv.reader(rejects.splitlines()))) == 2, "the first file's are kept"


def test_no_file_takes_the_place_of_another(folder: Folder) -> None:
    """However often one name is dropped, and whatever it is called."""
    for _ in range(3):
        folder.put("list.csv")
        folder.put("list.csv.report.txt", "x")
        folder.take_all()
    files = folder.lying("archive") + folder.lying("quarantine")
    assert len(files) == 12
    kept = [name for name in folder.lying("archive") if name.endswith(".csv")]
    assert [folder.read(f"archive/{name}") for name in kept] == [GOOD] * 3


def test_what_is_not_written_to_its_end_is_left_alone(folder: Folder) -> None:
    """Names that programs give to what is not whole; a file that somebody has open; a young one."""
    unfinished = ("a.csv.part", "b.tmp", ".c.csv", "~$d.xlsx", "e.csv.crdownload", "f.csv~")
    for name in unfinished:
        folder.put(name)
    whole = folder.put("whole.csv")
    assert [each.path for each in folder.look()] == [whole]
    with whole.open("a") as file:
        assert is_being_written(whole)
        assert folder.look() == []
        file.write("Cid,+14155552673\n")
    assert [each.path for each in folder.look()] == [whole]
    known = teams.list_teams(folder.connection)
    assert list_dropped(folder.settings, known, Settling(3600)) == []
    (folder.settings.drop / "acme/auto/a.csv.part").rename(whole.with_name("a.csv"))
    assert len(folder.take_all()) == 2
    assert {Path(name).name for name in folder.lying("drop")} == set(unfinished) - {"a.csv.part"}


def test_what_changes_after_the_look_is_not_claimed(folder: Folder) -> None:
    """Nor what is gone by then, nor what another process took."""
    path = folder.put("list.csv")
    (dropped,) = folder.look()
    os.utime(path, (1e9, 1e9))
    assert drop_claims.take(dropped, folder.settings) is None
    (dropped,) = folder.look()
    assert drop_claims.take(dropped, folder.settings) is not None
    assert drop_claims.take(dropped, folder.settings) is None
    assert len(drop_claims.list_claims(folder.settings)) == 1


def test_tricks_do_no_harm(folder: Folder, tmp_path: Path) -> None:
    """Links and pipes go, what they lead to stays; names are cleaned; folders are only folders."""
    secret = tmp_path / "secret.csv"
    secret.write_text(GOOD)
    auto = folder.put(
        "a\x1b[2J\nb\udcff.csv".encode("utf-8", "surrogateescape").decode(
            "utf-8", "surrogateescape"
        ),
        GOOD,
    ).parent
    folder.put("n" * 240 + ".csv", GOOD.replace("2671", "2681"))
    (auto / "link.csv").symlink_to(secret)
    (auto / "away").symlink_to(tmp_path)
    os.mkfifo(auto / "pipe.csv")
    (auto / "folder.csv").mkdir()
    os.link(secret, auto / "hard.csv")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(auto / "s.csv"))
        ended = folder.take_all()
    assert {each.claim.name: each.status for each in ended} == {
        "a_[2J_b_.csv": "done",
        "n" * 196 + ".csv": "done",
        "hard.csv": "done",
        **dict.fromkeys(("link.csv", "pipe.csv", "s.csv"), "failed"),
    }
    assert secret.read_text() == GOOD
    assert sorted(path.name for path in auto.iterdir()) == ["away", "folder.csv"]
    assert folder.lying("quarantine") == [
        f"acme/{name}.report.txt" for name in ("link.csv", "pipe.csv", "s.csv")
    ]
    assert "a link, which is not followed" in folder.read("quarantine/acme/link.csv.report.txt")


def test_what_is_nobodys_is_refused_and_says_so(folder: Folder) -> None:
    """No team, an unknown team, an unknown source."""
    folder.put("lost.csv", where=".")
    folder.put("acm.csv", where="acm/auto")
    folder.put("hubspo.csv", where="acme/hubspo")
    folder.take_all()
    assert folder.lying("quarantine") == [
        *("_no_team/acm.csv", "_no_team/acm.csv.report.txt"),
        *("_no_team/lost.csv", "_no_team/lost.csv.report.txt"),
        *("acme/hubspo.csv", "acme/hubspo.csv.report.txt"),
    ]
    assert "no team 'acm'. Teams: acme." in folder.read("quarantine/_no_team/acm.csv.report.txt")
    assert "source 'hubspo'" in folder.read("quarantine/acme/hubspo.csv.report.txt")
    assert folder.imported() == []


@pytest.mark.parametrize(("choice", "goes_to"), [("apply", "archive"), ("reject", "quarantine")])
def test_a_held_file_waits_and_moves_on(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, choice: str, goes_to: str
) -> None:
    """Beside it stands how to decide; once somebody has, it goes where it belongs."""
    folder.put("list.csv", HELD)
    (ended,) = folder.take_all()
    assert (ended.status, str(ended.path.relative_to(folder.settings.home))) == (
        "held",
        "quarantine/acme/held/list.csv",
    )
    import_id = ended.claim.import_id
    report = folder.read("quarantine/acme/held/list.csv.report.txt")
    assert settle_held(folder.settings) == []
    (told,) = [line for line in report.splitlines() if f"--{choice} " in line]
    command, _, _ = told.partition("(")
    monkeypatch.setenv("LEADFOLD_HOME", str(folder.settings.home))
    monkeypatch.setenv("LEADFOLD_DATABASE_URL", folder.settings.database_url)
    called = CliRunner().invoke(leadfold, command.split()[1:])
    assert (called.exit_code, import_id in called.output) == (0, True)
    (moved,) = settle_held(folder.settings)
    assert moved.path == folder.settings.home / goes_to / "acme/list.csv"
    assert moved.path.read_text() == HELD
    assert all("held" not in name for name in folder.lying("quarantine"))
    assert drop_claims.list_claims(folder.settings) == []
    assert folder.imported() == [("list.csv", "done" if choice == "apply" else "declined")]


def test_what_may_pass_is_tried_again_and_what_does_not_ends(folder: Folder) -> None:
    """A database that is away costs nobody his file; a file that kills is given up."""
    folder.put("list.csv")

    def away(_: Request) -> list[Outcome]:
        raise DatabaseUnavailableError("The database went away.")

    with pytest.raises(DatabaseUnavailableError):
        folder.take_all(away)
    (claim,) = dropping.list_abandoned(folder.settings)
    (ended,) = folder.take_all()
    assert (ended.status, ended.claim.import_id) == ("done", claim.import_id)
    folder.put("killer.csv")
    with pytest.raises(DatabaseUnavailableError):
        folder.take_all(away)
    (claim,) = dropping.list_abandoned(folder.settings)
    drop_claims.keep(dropping.replace(claim, tries=3), folder.settings)
    (ended,) = folder.take_all()
    assert ended.status == "failed"
    assert "3 times the process ended" in folder.read("quarantine/acme/killer.csv.report.txt")


POINTS = (
    "call flows.drop_claims._take_away 1",
    "call flows.importing.run_import 1",
    "call flows.drop_report.write_reports 1",
    "call flows.moving.move_over 1",
)


def test_a_kill_at_any_point_loses_and_doubles_nothing(folder: Folder) -> None:
    """Whoever comes next brings the claim to its end: one import, one file, one report."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(FORKABLE)
    for number, point in enumerate(POINTS):
        name = f"{number}.csv"
        folder.put(name, GOOD.replace("555", f"55{number}"))
        child = context.Process(target=drop_and_die, args=(folder.settings, "acme", point))
        child.start()
        child.join()
        assert child.exitcode == -signal.SIGKILL, point
        folder.take_all()
        assert folder.imported()[number:] == [(name, "done")]
        assert folder.lying("archive")[2 * number :] == [f"acme/{name}", f"acme/{name}.report.txt"]
        assert "done" in folder.read(f"archive/acme/{name}.report.txt")
        assert (folder.lying("drop"), folder.lying("quarantine")) == ([], [])


def test_the_page_shows_what_lies_beside_a_file(folder: Folder) -> None:
    """docs/drop-folder.md: its file, dropped, has this report and these rejects."""
    page = (ROOT / "docs" / "drop-folder.md").read_text(encoding="utf-8")
    _, text, report, rejects = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    folder.put("leads.csv", text)
    folder.take_all()
    told = re.sub(
        r"import_[0-9A-Z]{26}", "import_...", folder.read("archive/acme/leads.csv.report.txt")
    )
    told = re.sub(r"(?m)^(Dropped|started) by \w+", r"\1 by ada", told)
    told = re.sub(r"\d{4}-\d\d-\d\d [\d:]+ UTC, [\d.]+ s", "2026-11-21 09:00:00 UTC, 0.9 s", told)
    assert told == report
    written = folder.read("archive/acme/leads.csv.rejects.csv")
    assert re.sub(r"import_[0-9A-Z]{26}", "import_...", written).lstrip("\ufeff") == rejects
    assert "(docs/drop-folder.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
