"""What a killed import leaves behind, and how the next one clears it up."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from flows import ledger
from flows.settings import Settings
from flows.workspace import hold_workspace, sweep_workspaces
from tests.conftest import Import

# An import that tells when it has reached a step, and then waits to be killed.
SLOW_IMPORT = """
import sys, time
import flows.folding, flows.importing, flows.landed_rows
from flows.jobs import Request
from flows.settings import load_settings
from pathlib import Path

module, name = sys.argv[1].rsplit(".", 1)

def wait(*arguments, **options):
    print("reached", flush=True)
    time.sleep(600)

assert hasattr(sys.modules[module], name)
setattr(sys.modules[module], name, wait)
flows.importing.run_import(Request(Path(sys.argv[2]), "acme", "generic"), load_settings())
"""


def test_a_workspace_in_use_is_left_alone(tmp_path: Path) -> None:
    """A sweep takes nothing from an import that runs, and nothing is left when it ends."""
    with hold_workspace(tmp_path, "import_1") as folder:
        (folder / "work.duckdb").touch()
        assert list(sweep_workspaces(tmp_path)) == []
        assert folder.is_dir()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["flows.landed_rows.group_records", "flows.folding.apply"])
def test_a_killed_import_is_told_and_its_file_can_come_again(
    settings: Settings,
    connection: psycopg.Connection,
    import_text: Import,
    tmp_path: Path,
    step: str,
) -> None:
    """Nothing of it is seen; the next import sweeps its work and closes its ledger row."""
    path = tmp_path / "list.csv"
    path.write_text("name,phone\nAnn,415-555-2671\n")
    environment = {
        **os.environ,
        "LEADFOLD_HOME": str(settings.home),
        "LEADFOLD_DATABASE_URL": settings.database_url,
    }
    with subprocess.Popen(
        [sys.executable, "-c", SLOW_IMPORT, step, str(path)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "reached\n"
        process.kill()
    (entry,) = ledger.list_imports(connection)
    assert entry.status == "running"
    assert connection.execute("SELECT count(*) FROM leads").fetchone() == (0,)
    outcome = import_text("name,phone\nAnn,415-555-2671\n")
    assert outcome.counts.inserted == 1
    killed = ledger.find_import(connection, entry.import_id)
    assert (killed.status, (killed.reason or "")[:17]) == ("failed", "The process ended")
    assert list(settings.work.iterdir()) == []
