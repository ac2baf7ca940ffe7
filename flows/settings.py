"""What a run is told from outside, by environment variables."""

import os
from dataclasses import dataclass
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """Where things are and how much a run may take.

    Attributes:
        home: Runtime folders: the embedded Postgres, landed files, work files.
        database_url: Which Postgres to use; empty: the embedded one under ``home``.
        memory_limit: What DuckDB may take before it spills to disk.
        chunk_rows: Rows that are read and normalised at a time.
        lock_wait_seconds: How long to wait for another import of the same team.
        connect_timeout_seconds: How long a database may take to answer.
    """

    home: Path
    database_url: str = ""
    memory_limit: str = "1GB"
    chunk_rows: int = 50_000
    lock_wait_seconds: int = 3600
    connect_timeout_seconds: int = 10

    @property
    def landing(self) -> Path:
        """Files as they came, by content."""
        return self.home / "landing"

    @property
    def work(self) -> Path:
        """One folder per running import; deleted at its end."""
        return self.home / "work"


def load_settings() -> Settings:
    """Read the environment.

    ``LEADFOLD_HOME`` (default: the ``data`` folder of the checkout, else ``~/.leadfold``),
    ``LEADFOLD_DATABASE_URL``, ``LEADFOLD_MEMORY_LIMIT``, ``LEADFOLD_CHUNK_ROWS``,
    ``LEADFOLD_LOCK_WAIT_SECONDS``, ``LEADFOLD_CONNECT_TIMEOUT_SECONDS``.
    """
    is_checkout = (_PROJECT / "pyproject.toml").is_file()
    default_home = _PROJECT / "data" if is_checkout else Path.home() / ".leadfold"
    environment = os.environ
    return Settings(
        home=Path(environment.get("LEADFOLD_HOME") or default_home).expanduser().resolve(),
        database_url=environment.get("LEADFOLD_DATABASE_URL", ""),
        memory_limit=environment.get("LEADFOLD_MEMORY_LIMIT", Settings.memory_limit),
        chunk_rows=int(environment.get("LEADFOLD_CHUNK_ROWS", Settings.chunk_rows)),
        lock_wait_seconds=int(
            environment.get("LEADFOLD_LOCK_WAIT_SECONDS", Settings.lock_wait_seconds)
        ),
        connect_timeout_seconds=int(
            environment.get("LEADFOLD_CONNECT_TIMEOUT_SECONDS", Settings.connect_timeout_seconds)
        ),
    )
