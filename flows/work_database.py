"""The work database of one import: DuckDB in memory, and how much of it that may take."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from contracts.errors import WorkMemoryError
from flows.settings import Settings
from transforms.relations import Work, ask_value

# Chunks of the file take as much again as they are read: of 5M rows the process took 1,567 MB while
# all was DuckDB's, and it spills as well with less (docs/speed.md).
_READING_SHARE = 0.75


def open_database(folder: Path, settings: Settings) -> Work:
    """Open an empty work database; what does not fit into memory spills into ``folder``."""
    work = duckdb.connect(
        # In a file, every table would be compressed as it is made, and few are read twice.
        ":memory:",
        config={
            "memory_limit": settings.memory_limit,
            "threads": str(settings.threads),
            "temp_directory": str(folder / "spill"),
            "preserve_insertion_order": "false",
        },
    )
    # It would draw bars into whatever terminal there is; and compress all that is in memory anew
    # with every 16 MB that come in, which took longer than all reading and normalising.
    work.execute("set enable_progress_bar = false; set checkpoint_threshold = '1000TB'").fetchall()
    return work


@contextmanager
def leaving_room(work: Work) -> Iterator[None]:
    """DuckDB takes less meanwhile, for a file is read beside it."""
    limit = ask_value(work, "select parse_formatted_bytes(current_setting('memory_limit'))")
    _limit(work, int(limit * _READING_SHARE))
    yield
    # Where that failed, the work database is given up.
    _limit(work, limit)


def _limit(work: Work, limit_bytes: int) -> None:
    work.execute(f"set memory_limit = '{limit_bytes}B'").fetchall()


@contextmanager
def telling_memory(name: str, settings: Settings) -> Iterator[None]:
    """Say what to do where DuckDB may not take what it needs.

    Args:
        name: What is imported or done, as people call it.
        settings: What DuckDB may take.

    Raises:
        WorkMemoryError: The memory was not enough, or the disk into which it spills.
    """
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        if "max_temp_directory_size" in str(error):
            told = (
                f"{name} needs more room than there is on the disk of {settings.work}. Nothing was"
                " written.\nMake room there, or set LEADFOLD_HOME to a folder on a larger disk, and"
                " try again."
            )
        else:
            told = (
                f"{name} needs more memory than DuckDB may take ({settings.memory_limit}). Nothing"
                " was written.\nSet LEADFOLD_MEMORY_LIMIT to more (2GB, where it was 600MB), and"
                " try again."
            )
        raise WorkMemoryError(told) from error
