"""From a drop to the commit on a running Leadfold, and what Prefect adds to an import.

    python -m tests.benchmarks.bench_drop [ROWS [RUNS]]

A ``leadfold up`` runs in a temp folder. Files of new people, each with a phone and an email, are
dropped one by one, each when the run before is over, so that each pays for a run of its own; the
clock stops with the time of the commit that the ledger tells. Then files of the same size are
imported directly: in this process, by the command, and by the deployment that the form starts.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psycopg

from flows import local_postgres, teams, warehouse
from flows.importing import run_import
from flows.jobs import Request
from flows.settings import Settings
from tests.running import Running, await_

ACTIVE = {"state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING"]}}}


class Bench:
    """A running Leadfold, and new files for it."""

    def __init__(
        self, running: Running, settings: Settings, connection: psycopg.Connection, rows: int
    ) -> None:
        self.running, self.settings, self.connection = running, settings, connection
        self.rows = rows
        self.files = 0

    def write(self, folder: Path) -> Path:
        """A file of people who are new."""
        self.files += 1
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"list{self.files}.csv"
        rows = (
            f"Ann{n % 97},Lee,+1415{200 + self.files}{2000 + n},a{n}@x{self.files}.example\n"
            for n in range(self.rows)
        )
        part = path.with_suffix(".part")
        part.write_text("first_name,last_name,phone,email\n" + "".join(rows))
        return part.rename(path)

    def await_commit(self, name: str) -> float:
        """When the import of a file was committed, in seconds since 1970."""
        query = (
            "SELECT extract(epoch FROM finished_at)::float FROM imports"
            " WHERE file_name = %s AND status = 'done'"
        )
        return float(await_(lambda: self.connection.execute(query, [name]).fetchone(), name)[0])

    def await_rest(self) -> None:
        """Wait until no run is under way."""
        asked = {"flow_runs": ACTIVE, "flows": {"name": {"any_": ["import-dropped"]}}}
        await_(lambda: not self.running.ask("POST", "/flow_runs/filter", asked), "rest")

    def drop(self) -> float:
        """Seconds from the end of writing to the commit."""
        self.await_rest()
        path = self.write(self.settings.drop / "acme" / "auto")
        start = time.time()
        return self.await_commit(path.name) - start

    def import_plain(self) -> float:
        """Seconds of an import in this process, without Prefect."""
        path = self.write(self.settings.home / "files")
        start = time.time()
        (outcome,) = run_import(Request(path, "acme", "generic"), self.settings)
        assert outcome.status == "done", outcome.reason
        return time.time() - start

    def import_by_command(self) -> float:
        """Seconds from the call of the command to its end."""
        path = self.write(self.settings.home / "files")
        start = time.time()
        subprocess.run(
            [
                sys.executable,
                "-m",
                "flows.cli",
                "import",
                path,
                "--team",
                "acme",
                "--source",
                "generic",
            ],
            env=self.running.environment,
            check=True,
            capture_output=True,
        )
        return time.time() - start

    def import_by_deployment(self) -> float:
        """Seconds from the start of the form's deployment to the commit."""
        path = self.write(self.settings.inbox / "acme")
        parameters: dict[str, Any] = {
            "team": "acme",
            "source": "generic",
            "file": f"acme/{path.name}",
        }

        def begin() -> float:
            # The form has to learn of the file first.
            start = time.time()
            try:
                self.running.begin_run("import-file", parameters)
            except httpx.HTTPStatusError:
                return 0
            return start

        start = await_(begin, "the form")
        return self.await_commit(path.name) - start


def measure(bench: Bench, runs: int) -> Iterator[tuple[str, list[float]]]:
    """Each way, some times; the first time of each is not counted."""
    ways: list[tuple[str, Callable[[], float], int]] = [
        ("dropped", bench.drop, runs),
        ("directly, in a process that runs", bench.import_plain, runs),
        ("directly, by the command", bench.import_by_command, max(3, runs // 3)),
        ("by the form's deployment", bench.import_by_deployment, max(3, runs // 3)),
    ]
    for name, way, times in ways:
        yield name, [way() for _ in range(times + 1)][1:]


def main() -> None:
    """Print the median, the least and the most of each."""
    rows, runs = (int(each) for each in (*sys.argv[1:], "1000", "10")[:2])
    with tempfile.TemporaryDirectory() as folder:
        running = Running(Path(folder) / "home")
        settings = Settings(running.home)
        try:
            running.start()
            with closing(warehouse.connect(settings)) as connection:
                teams.add_team(connection, "acme")
                bench = Bench(running, settings, connection, rows)
                print(f"Seconds until {rows:,} rows are committed:")
                for name, seconds in measure(bench, runs):
                    print(
                        f"  {name:34} median {statistics.median(seconds):5.1f}"
                        f"   {min(seconds):5.1f} to {max(seconds):5.1f}   of {len(seconds)}"
                    )
        finally:
            running.kill_all()
            local_postgres.stop(running.home)


if __name__ == "__main__":
    main()
