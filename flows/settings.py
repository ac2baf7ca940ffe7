"""What a run is told from outside, by environment variables."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from contracts.errors import WrongCallError

_PROJECT = Path(__file__).resolve().parent.parent

ALERTS = ("webhook", "email", "sms")
"""The ways by which an alert may go out."""


@dataclass(frozen=True)
class Settings:
    """Where things are and how much a run may take.

    Attributes:
        home: Runtime folders: the embedded Postgres, landed files, work databases.
        database_url: Which Postgres to use; empty: the embedded one under ``home``.
        memory_limit: What DuckDB may take before it spills to disk; Leadfold itself takes about as
            much again.
        chunk_rows: Rows that are read and normalised at a time.
        has_tables_on_disk: Whether DuckDB's tables are on disk however small the file is; an import
            that ran out of memory is tried again so.
        threads: How many such chunks of one file are worked on at a time, and how many threads
            DuckDB may use.
        lock_wait_seconds: How long to wait for another import of the same team.
        connect_timeout_seconds: How long a database may take to answer.
        conversation_url: Where a chat is read, with ``{conversation_id}`` in it; empty: nowhere.
        shows_contacts: Whether reports in Prefect show names, phones and emails as they are.
        ui_host: Where ``leadfold up`` listens.
        ui_port: The port of Prefect's UI and API there.
        ui_auth: Who may enter, ``user:password``; empty: whoever reaches it.
        files_port: The port of rejects and metrics there.
        workers: How many flow runs ``leadfold up`` carries out at a time.
        prefect_database_url: The database of Prefect's server; empty: one beside Leadfold's.
        alerts: Where failed, crashed and held imports are told: ``webhook``, ``email`` and ``sms``,
            each with its address; what is not there is not told.
    """

    home: Path
    database_url: str = ""
    memory_limit: str = "600MB"
    chunk_rows: int = 50_000
    has_tables_on_disk: bool = False
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    lock_wait_seconds: int = 3600
    connect_timeout_seconds: int = 10
    conversation_url: str = ""
    shows_contacts: bool = False
    ui_host: str = "127.0.0.1"
    ui_port: int = 4200
    ui_auth: str = field(default="", repr=False)
    files_port: int = 4201
    workers: int = field(default_factory=lambda: max(2, os.cpu_count() or 2))
    prefect_database_url: str = field(default="", repr=False)
    alerts: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def landing(self) -> Path:
        """Files as they came, by content."""
        return self.home / "landing"

    @property
    def work(self) -> Path:
        """One folder per running import; deleted at its end."""
        return self.home / "work"

    @property
    def runs(self) -> Path:
        """One lock per flow run that lives."""
        return self.home / "runs"

    @property
    def inbox(self) -> Path:
        """Files that analysts may import by the form: ``<team>/<file>``."""
        return self.home / "inbox"

    @property
    def drop(self) -> Path:
        """The drop folder: ``<team>/<source or auto>/<file>``."""
        return self.home / "drop"

    @property
    def archive(self) -> Path:
        """Files that were imported: ``<team>/<file>``."""
        return self.home / "archive"

    @property
    def quarantine(self) -> Path:
        """Files that could not be imported, each with a report beside it."""
        return self.home / "quarantine"


def load_settings() -> Settings:
    """Read the environment; what is not set, or set to nothing, is as in ``Settings``.

    ``LEADFOLD_HOME`` (default: the ``data`` folder of the checkout, else ``~/.leadfold``),
    ``LEADFOLD_DATABASE_URL``, ``LEADFOLD_MEMORY_LIMIT``, ``LEADFOLD_CHUNK_ROWS``,
    ``LEADFOLD_THREADS``, ``LEADFOLD_LOCK_WAIT_SECONDS``, ``LEADFOLD_CONNECT_TIMEOUT_SECONDS``,
    ``LEADFOLD_CONVERSATION_URL``, ``LEADFOLD_SHOW_CONTACTS``, ``LEADFOLD_UI_HOST``,
    ``LEADFOLD_UI_PORT``, ``LEADFOLD_UI_AUTH``, ``LEADFOLD_FILES_PORT``, ``LEADFOLD_WORKERS``,
    ``LEADFOLD_PREFECT_DATABASE_URL``, ``LEADFOLD_ALERT_WEBHOOK``, ``LEADFOLD_ALERT_EMAIL``,
    ``LEADFOLD_ALERT_SMS``.

    Raises:
        WrongCallError: One of them holds what it cannot hold.
    """
    return Settings(
        home=_find_home(),
        database_url=os.environ.get("LEADFOLD_DATABASE_URL", ""),
        memory_limit=_read_memory("LEADFOLD_MEMORY_LIMIT", Settings.memory_limit),
        chunk_rows=_read_number("LEADFOLD_CHUNK_ROWS", Settings.chunk_rows, 1),
        threads=_read_number("LEADFOLD_THREADS", os.cpu_count() or 1, 1),
        lock_wait_seconds=_read_number("LEADFOLD_LOCK_WAIT_SECONDS", Settings.lock_wait_seconds, 0),
        connect_timeout_seconds=_read_number(
            "LEADFOLD_CONNECT_TIMEOUT_SECONDS", Settings.connect_timeout_seconds, 1
        ),
        conversation_url=_read_template("LEADFOLD_CONVERSATION_URL"),
        shows_contacts=_read_switch("LEADFOLD_SHOW_CONTACTS"),
        ui_host=os.environ.get("LEADFOLD_UI_HOST", "").strip() or Settings.ui_host,
        ui_port=_read_number("LEADFOLD_UI_PORT", Settings.ui_port, 1),
        ui_auth=os.environ.get("LEADFOLD_UI_AUTH", "").strip(),
        files_port=_read_number("LEADFOLD_FILES_PORT", Settings.files_port, 1),
        workers=_read_number("LEADFOLD_WORKERS", max(2, os.cpu_count() or 2), 1),
        prefect_database_url=os.environ.get("LEADFOLD_PREFECT_DATABASE_URL", "").strip(),
        alerts={
            kind: address
            for kind in ALERTS
            if (address := os.environ.get(f"LEADFOLD_ALERT_{kind.upper()}", "").strip())
        },
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


def _read_switch(variable: str) -> bool:
    text = os.environ.get(variable, "").strip().lower()
    if text not in ("", "0", "1", "no", "yes"):
        raise WrongCallError(f"{variable} is '{text}'.\nWrite yes or no.")
    return text in ("1", "yes")


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
