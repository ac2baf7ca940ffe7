"""The work database of one import: DuckDB, and how much memory it may take."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from contracts.errors import WorkMemoryError
from flows.settings import Settings
from transforms.relations import Work, ask_value

# Chunks of the file take as much again as they are read: of 5M rows the process took 1,567 MB while
# all was DuckDB's, and it spills as well with less (docs/speed.md).
_READING_SHARE = 0.75

# Of tables in memory a part is never spilled, some 19 bytes a row and more while lists are made of
# them: within 600 MB 5M rows (1.1 GB) could not be planned (docs/speed.md).
_LARGE_FILE = 1

_ON_DISK = "work.duckdb"


def open_database(folder: Path, settings: Settings, *, file_bytes: int = 0) -> Work:
    """Open an empty work database.

    Args:
        folder: Where it spills what does not fit into memory. One import's work goes there alone.
        settings: How much memory it may take, and how many threads.
        file_bytes: How large the file is that goes into it. Of one that is larger than the memory,
            all tables are on disk from the start.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    on_disk = folder / _ON_DISK
    # Of an attempt that was killed.
    on_disk.unlink(missing_ok=True)
    on_disk.with_suffix(".duckdb.wal").unlink(missing_ok=True)
    config: dict[str, Any] = {
        "memory_limit": settings.memory_limit,
        "threads": str(settings.threads),
        "temp_directory": str(folder / "spill"),
        "preserve_insertion_order": "false",
    }
    work = duckdb.connect(":memory:", config=config)
    if settings.has_tables_on_disk or file_bytes > _LARGE_FILE * _ask_limit(work):
        work.close()
        # Few tables are read twice, and compressing them doubles what reading a file takes.
        work = duckdb.connect(on_disk, config=config | {"force_compression": "uncompressed"})
    # It would draw bars into whatever terminal there is; and compress all that is in memory anew
    # with every 16 MB that come in, which took longer than all reading and normalising.
    work.execute("set enable_progress_bar = false; set checkpoint_threshold = '1000TB'").fetchall()
    # Nobody opens it again.
    work.execute("pragma disable_checkpoint_on_shutdown").fetchall()
    return work


def may_fit_on_disk(folder: Path, error: duckdb.OutOfMemoryException) -> bool:
    """Whether what ran out of memory is worth another attempt, with its tables on disk.

    Args:
        folder: That of the work database that was opened last.
        error: What it ended with.
    """
    return not (folder / _ON_DISK).exists() and not _is_disk_full(error)


def _is_disk_full(error: duckdb.Error) -> bool:
    """Whether it is the disk that has no more room for what DuckDB spills, or keeps there."""
    told = str(error)
    return "max_temp_directory_size" in told or os.strerror(errno.ENOSPC) in told


@contextmanager
def leaving_room(work: Work) -> Iterator[None]:
    """DuckDB takes less meanwhile, for a file is read beside it."""
    limit = _ask_limit(work)
    _limit(work, int(limit * _READING_SHARE))
    yield
    # Where that failed, the work database is given up.
    _limit(work, limit)


def _ask_limit(work: Work) -> int:
    limit: int = ask_value(work, "select parse_formatted_bytes(current_setting('memory_limit'))")
    return limit


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
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        is_full = _is_disk_full(error)
        if isinstance(error, duckdb.IOException) and not is_full:
            raise
        if is_full:
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
