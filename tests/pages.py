"""Pages whose commands are run: ``python -m tests.pages PAGE`` writes down what they say now."""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from flows import local_postgres

ROOT = Path(__file__).resolve().parent.parent
_BLOCK = re.compile(r"(?<=```console\n)\$ (.+)\n(?:[^`].*\n|\n)*(?=```)")
_ID = re.compile(r"import_[0-9A-Z]{26}")


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
        "LEADFOLD_HOME": str(home),
        "LEADFOLD_DATABASE_URL": database_url,
    }

    def rerun(found: re.Match[str]) -> str:
        done = subprocess.run(
            shlex.split(found[1]),
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        lines = (f"$ {found[1]}", *_ID.sub("import_...", done.stdout).splitlines())
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
