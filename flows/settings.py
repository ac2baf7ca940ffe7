"""What a run is told from outside, by environment variables."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import WrongCallError

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
        conversation_url: Where a chat is read, with ``{conversation_id}`` in it; empty: nowhere.
    """

    home: Path
    database_url: str = ""
    memory_limit: str = "1GB"
    chunk_rows: int = 50_000
    lock_wait_seconds: int = 3600
    connect_timeout_seconds: int = 10
    conversation_url: str = ""

    @property
    def landing(self) -> Path:
        """Files as they came, by content."""
        return self.home / "landing"

    @property
    def work(self) -> Path:
        """One folder per running import; deleted at its end."""
        return self.home / "work"


def load_settings() -> Settings:
    """Read the environment; what is not set, or set to nothing, is as in ``Settings``.

    ``LEADFOLD_HOME`` (default: the ``data`` folder of the checkout, else ``~/.leadfold``),
    ``LEADFOLD_DATABASE_URL``, ``LEADFOLD_MEMORY_LIMIT``, ``LEADFOLD_CHUNK_ROWS``,
    ``LEADFOLD_LOCK_WAIT_SECONDS``, ``LEADFOLD_CONNECT_TIMEOUT_SECONDS``,
    ``LEADFOLD_CONVERSATION_URL``.

    Raises:
        WrongCallError: One of them holds what it cannot hold.
    """
    return Settings(
        home=_find_home(),
        database_url=os.environ.get("LEADFOLD_DATABASE_URL", ""),
        memory_limit=_read_memory("LEADFOLD_MEMORY_LIMIT", Settings.memory_limit),
        chunk_rows=_read_number("LEADFOLD_CHUNK_ROWS", Settings.chunk_rows, 1),
        lock_wait_seconds=_read_number("LEADFOLD_LOCK_WAIT_SECONDS", Settings.lock_wait_seconds, 0),
        connect_timeout_seconds=_read_number(
            "LEADFOLD_CONNECT_TIMEOUT_SECONDS", Settings.connect_timeout_seconds, 1
        ),
        conversation_url=_read_template("LEADFOLD_CONVERSATION_URL"),
    )


def _find_home() -> Path:
    is_checkout = (_PROJECT / "pyproject.toml").is_file()
    try:
        default = _PROJECT / "data" if is_checkout else Path("~/.leadfold")
        return Path(os.environ.get("LEADFOLD_HOME") or default).expanduser().resolve()
    except RuntimeError as error:
        raise WrongCallError(
            f"There is no home folder to put data in: {error}\nSet LEADFOLD_HOME to a folder."
        ) from error


def _read_number(variable: str, default: int, least: int) -> int:
    text = os.environ.get(variable, "").strip() or str(default)
    # Longer numbers are beyond what Postgres and Polars count with.
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) < least:
        raise WrongCallError(
            f"{variable} is '{text}', not a whole number from {least} to 999999999.\n"
            f"Correct it, or unset it for {default}."
        )
    return int(text)


def _read_memory(variable: str, default: str) -> str:
    """An amount as DuckDB reads it: a number with its unit, a percentage, or ``none``."""
    text = os.environ.get(variable, "").strip() or default
    if not re.fullmatch(r"(?i)none|-1|[0-9]+(\.[0-9]+)?\s*(%|b|bytes?|[kmgt](i?b)?)", text):
        raise WrongCallError(
            f"{variable} is '{text}', not an amount of memory.\nWrite 2GB or 500MB, for example."
        )
    return text


def _read_template(variable: str) -> str:
    """An address in which ``{conversation_id}`` stands for an id, and no other brace stands."""
    text = os.environ.get(variable, "").strip()
    rest = text.replace("{conversation_id}", "")
    if text and (rest == text or re.search(r"[{}\s]", rest) or not re.match("https?://.", text)):
        raise WrongCallError(
            f"{variable} is '{text}', not the address of a chat.\n"
            "Write https://chat.example/c/{conversation_id}, for example."
        )
    return text
