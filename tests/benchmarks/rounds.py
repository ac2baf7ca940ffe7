"""What is done in which order: each repetition takes a turn with every contestant."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import floor, ours
from tests.benchmarks.dlt_peer import DltPeer
from tests.benchmarks.measure import Cost, measure
from tests.benchmarks.people_file import SEED, PeopleFile
from tests.benchmarks.results import Results
from tests.benchmarks.server import TEAMS, Server

_OURS, _OTHERS = TEAMS
# Whose rows a file is about whose people nobody else knows.
_OTHER_SEED = SEED + 1


@dataclass(frozen=True)
class Bench:
    """Where it is measured, against whom, and what was found.

    Attributes:
        folder: Gets the files, each as long as it is needed.
        peer: dlt, or nobody.
        results: Filled as it goes.
        repetitions: How often each thing is done.
    """

    server: Server
    folder: Path
    peer: DltPeer | None
    results: Results
    repetitions: int

    def compare(self, rows: int) -> None:
        """Everything at one size, in turns; every second time the other way round."""
        files = {
            "first": PeopleFile(rows),
            "one_percent": PeopleFile(rows, changed_per_mille=10),
            "ten_percent": PeopleFile(rows, changed_per_mille=100),
            "follow_up": PeopleFile(rows, first=rows, stored_rows=rows),
            "second_team": PeopleFile(rows, seed=_OTHER_SEED),
        }
        paths = {name: self._write(name, file) for name, file in files.items()}
        paths["same_rows"] = _move_last_row(paths["first"])
        for number in range(self.repetitions):
            database = self._import_first(rows, paths["first"], is_exported=number == 0)
            self.results.tables |= {
                name: sizes for name, *sizes in self.server.sizes(database) if sizes[0]
            }
            turns = self._turns(rows, paths, database)
            for turn in turns if number % 2 == 0 else reversed(turns):
                turn()
        self._clean_up(*paths.values())

    def grow(self, rows: int, *, small_rows: int = 0, repetitions: int) -> None:
        """The first import and its floor at one size, and small files into what is then stored."""
        path = self._write("first", PeopleFile(rows))
        for number in range(repetitions):
            database = self._import_first(rows, path, is_exported=number == 0)
            self._load(rows, "floor")
        path.unlink()
        for number in range(self.repetitions if small_rows else 0):
            first = rows + number * small_rows
            file = PeopleFile(small_rows, first=first, stored_rows=rows)
            path = self._write("file_51", file)
            self._import(small_rows, "file_51", database, (path, _OURS))
            path.unlink()
        self._clean_up()

    def import_once(self, rows: int) -> None:
        """The first import alone, for its memory."""
        path = self._write("first", PeopleFile(rows))
        self._import_first(rows, path, is_exported=False)
        self._clean_up(path)

    def _turns(
        self, rows: int, paths: dict[str, Path], stored: str
    ) -> tuple[Callable[[], None], ...]:
        return (
            lambda: self._load_floors(rows),
            lambda: self._import_again(rows, paths, stored),
            lambda: self._dry_run(rows, paths["first"]),
            lambda: self._import_both_teams(rows, paths),
            lambda: self._run_peer(rows, paths),
        )

    def _write(self, name: str, file: PeopleFile) -> Path:
        return file.write(self.folder / "files" / f"{name}.csv")

    def _import_first(self, rows: int, path: Path, *, is_exported: bool) -> str:
        # Nobody tidies up what was measured before.
        self.server.drop("bench_again")
        database = self.server.create("bench_first")
        imported = self._import(rows, "first", database, (path, _OURS))
        self.results.steps[rows].append(imported.steps)
        self.server.vacuum(database)
        if is_exported:
            shutil.rmtree(self._floor, ignore_errors=True)
            floor.export(self.server.url(database), self._floor)
        return database

    def _import_again(self, rows: int, paths: dict[str, Path], stored: str) -> None:
        named = {"same": paths["first"], **paths}
        for name in ("same", "same_rows", "one_percent", "ten_percent", "follow_up"):
            database = self.server.create("bench_again", template=stored)
            done = self._import(rows, name, database, (named[name], _OURS))
            if name.startswith("same") and any(told["effects"] for told in done.told):
                raise RuntimeError(f"The same rows again have written: {done.told}")

    def _dry_run(self, rows: int, path: Path) -> None:
        database = self.server.create("bench_again")
        self._import(rows, "dry_run", database, (path, _OURS), is_dry_run=True)

    def _import_both_teams(self, rows: int, paths: dict[str, Path]) -> None:
        theirs = (paths["second_team"], _OTHERS)
        self._import(rows, "second_team", self.server.create("bench_again"), theirs)
        both = ((paths["first"], _OURS), theirs)
        self._import(rows, "both_teams", self.server.create("bench_again"), *both)

    def _import(
        self,
        rows: int,
        name: str,
        database: str,
        *files: tuple[Path, str],
        is_dry_run: bool = False,
    ) -> ours.Imported:
        done = ours.run_imports(self.server, database, *files, is_dry_run=is_dry_run)
        counts = [key for key in done.told[0] if key.startswith("rows_")]
        self.results.counts[rows, name] = {key: done.count(key) for key in counts}
        shutil.rmtree(ours.home_of(self.server, database))
        self._note(rows, name, done.cost)
        return done

    def _load_floors(self, rows: int) -> None:
        self._load(rows, "floor")
        self._load(rows, "single_floor")

    def _load(self, rows: int, name: str) -> None:
        url = self.server.url(self.server.create("bench_again"))
        if name == "single_floor":
            floor.make_single_table(url)
        script = self._floor / ("single.sql" if name == "single_floor" else "all.sql")
        self._note(rows, name, measure(self.server, floor.load(url, script)))

    def _run_peer(self, rows: int, paths: dict[str, Path]) -> None:
        if self.peer is None:
            return
        database = self.server.create("bench_again", template="template1")
        self.peer.prepare(self.server, database, paths["first"])
        for is_job in (True, False):
            name = "dlt_job" if is_job else "dlt_load"
            turns = {"": "first", "_same": "first", "_one_percent": "one_percent"}
            for suffix, file in turns.items():
                cost = self.peer.run(self.server, database, paths[file], is_job=is_job)
                self._note(rows, name + suffix, cost)
        self.peer.forget(database)

    def _note(self, rows: int, name: str, cost: Cost) -> None:
        self.results.add(rows, name, cost)
        number = len(self.results.costs[rows, name])
        print(f"{rows:,} rows, {name} {number}: {cost.seconds:.2f} s", file=sys.stderr, flush=True)

    @property
    def _floor(self) -> Path:
        return self.folder / "floor"

    def _clean_up(self, *paths: Path) -> None:
        self.server.drop("bench_first", "bench_again")
        shutil.rmtree(self._floor, ignore_errors=True)
        for path in paths:
            path.unlink()


def _move_last_row(path: Path) -> Path:
    """Write the file with its last row in front: the same rows, but not the same bytes."""
    moved = path.with_stem("same_rows")
    header, rows = path.read_bytes().split(b"\n", 1)
    most, last = rows.rstrip(b"\n").rsplit(b"\n", 1)
    moved.write_bytes(b"\n".join((header, last, most, b"")))
    return moved
