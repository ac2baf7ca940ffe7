"""dlt beside Leadfold: an environment of its own, and the calls that do the same work."""

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from tests.benchmarks.measure import Call, Cost, measure
from tests.benchmarks.server import Server

_FOLDER = Path(__file__).resolve().parent
_REQUIREMENTS = _FOLDER / "dlt_requirements.txt"


class DltPeer:
    """dlt, installed below a folder unless it is there already.

    Raises:
        subprocess.CalledProcessError: It cannot be installed.
    """

    def __init__(self, folder: Path) -> None:
        mark = hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()[:12]
        self._place = folder / f"dlt-{mark}"
        self._python = self._place / "bin" / "python"
        ready = self._place / ".ready"
        if not ready.exists():
            shutil.rmtree(self._place, ignore_errors=True)
            _install(self._place, self._python)
            ready.touch()

    @property
    def version(self) -> str:
        """The release that is installed."""
        told = "import importlib.metadata as m; print(m.version('dlt'))"
        done = subprocess.run([self._python, "-c", told], check=True, capture_output=True)
        return done.stdout.decode().strip()

    def prepare(self, server: Server, database: str, path: Path) -> None:
        """Make dlt's tables and indexes in an empty database; nothing of it is measured."""
        shutil.rmtree(self._state(database), ignore_errors=True)
        measure(server, self._call("prepare", server, database, path))

    def run(self, server: Server, database: str, path: Path, *, is_job: bool) -> Cost:
        """Do the whole job with a file, or merge its cells as they are."""
        return measure(server, self._call("job" if is_job else "load", server, database, path))

    def forget(self, database: str) -> None:
        """Remove what dlt keeps outside the database."""
        shutil.rmtree(self._state(database), ignore_errors=True)

    def _state(self, database: str) -> Path:
        return self._place / "state" / database

    def _call(self, what: str, server: Server, database: str, path: Path) -> Call:
        script, state = _FOLDER / "dlt_job.py", self._state(database)
        told = (what, str(path), server.url(database), str(state))
        return Call((str(self._python), str(script), *told), {"DLT_DATA_DIR": str(state)})


def _install(place: Path, python: Path) -> None:
    print(f"Installing dlt into {place} ...", file=sys.stderr)
    if uv := shutil.which("uv"):
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, place], check=True)
        pip = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python]
    else:
        venv.create(place, with_pip=True)
        pip = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", _REQUIREMENTS], check=True)
