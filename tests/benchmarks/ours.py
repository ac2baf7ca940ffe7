"""Leadfold, as people call it: ``leadfold import`` in a process of its own."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.measure import Call, Cost, measure
from tests.benchmarks.people_file import SOURCE
from tests.benchmarks.server import Server


@dataclass(frozen=True)
class Imported:
    """What imports that ran at once cost, and what they told, in the order of the call.

    Attributes:
        told: What ``leadfold import --json --times`` printed: counts, effects, seconds by step.
    """

    cost: Cost
    told: tuple[dict[str, object], ...]

    @property
    def steps(self) -> dict[str, float]:
        """Step -> seconds of the first import; ``start`` is the program's own, before any step."""
        seconds = self.told[0]["seconds"]
        assert isinstance(seconds, dict)
        return {"start": self.cost.seconds - sum(seconds.values()), **seconds}

    def count(self, name: str) -> int:
        """A count of the ledger, ``rows_...``, of all."""
        return sum(int(str(each[name])) for each in self.told)


def run_imports(
    server: Server, database: str, *files: tuple[Path, str], is_dry_run: bool = False
) -> Imported:
    """Import files at once, each into the team that stands with it.

    Raises:
        RuntimeError: One was not done.
    """
    calls = [call_import(server, database, path, team, is_dry_run) for path, team in files]
    cost = measure(server, *calls)
    return Imported(cost, tuple(json.loads(output) for output in cost.output))


def call_import(
    server: Server, database: str, path: Path, team: str, is_dry_run: bool = False
) -> Call:
    """The call, with a home of the database's own: landed files are kept there."""
    options = ("--team", team, "--source", SOURCE, "--json", "--times")
    arguments = (sys.executable, "-m", "flows.cli", "import", str(path), *options)
    environment = {
        "LEADFOLD_HOME": str(home_of(server, database)),
        "LEADFOLD_DATABASE_URL": server.url(database),
    }
    return Call((*arguments, "--dry-run") if is_dry_run else arguments, environment)


def home_of(server: Server, database: str) -> Path:
    """Where the files of imports into a database are landed."""
    return server.home / "homes" / database
