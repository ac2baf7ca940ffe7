"""Pages whose commands are run: ``python -m tests.pages PAGE`` writes down what they say now."""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from flows import local_postgres
from transforms.pair_ids import pair_id

ROOT = Path(__file__).resolve().parent.parent
_BLOCK = re.compile(r"(?<=```console\n)\$ (.+)\n(?:[^`].*\n|\n)*(?=```)")
# What differs from run to run: ids, and when something was done (which is told to the minute).
_ID = re.compile(r"(import|persona|lead)_[0-9A-Z]{26}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC")
_PAIR = re.compile(r"(?m)^([B-DF-HJ-NP-TV-XZ]{8})(?=  )")


def run_page(text: str, folder: Path, home: Path, database_url: str) -> str:
    """The page with the output of its commands as it is now, run one after the other.

    Args:
        text: The page; a command stands behind ``$`` in a block of its own, marked ``console``.
        folder: An empty folder to run them in, where ``data/samples`` will be.
        home: LEADFOLD_HOME.
        database_url: A database for them alone.
    """
    (folder / "data").symlink_to(ROOT / "data")
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "80",
        "LOGNAME": "ada",
        "LEADFOLD_HOME": str(home),
        "LEADFOLD_DATABASE_URL": database_url,
    }

    # Pairs have other ids each time; on the page each has one of its own.
    pairs: dict[str, str] = {}

    def rerun(found: re.Match[str]) -> str:
        command = found[1]
        for real, shown in pairs.items():
            command = command.replace(shown, real)
        done = subprocess.run(
            shlex.split(command),
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said = _MOMENT.sub("2026-07-01 09:00 UTC", _ID.sub(r"\1_...", done.stdout))
        for real in _PAIR.findall(said):
            pairs.setdefault(real, pair_id(("page", str(len(pairs)))))
        for real, shown in pairs.items():
            said = said.replace(real, shown)
        said = said.replace(f"{datetime.now(UTC):%Y-%m-%d}", "YYYY-MM-DD")
        lines = (f"$ {found[1]}", *said.splitlines())
        return "".join(f"{line.rstrip()}\n" for line in lines)

    return _BLOCK.sub(rerun, text)


def main() -> None:
    """Rewrite pages, with a Postgres of their own."""
    for name in sys.argv[1:]:
        page = Path(name)
        with tempfile.TemporaryDirectory() as folder:
            home, place = Path(folder) / "home", Path(folder) / "place"
            place.mkdir()
            address = local_postgres.recreate_database(home, "leadfold_docs")
            try:
                text = run_page(page.read_text(encoding="utf-8"), place, home, address)
            finally:
                local_postgres.stop(home)
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
