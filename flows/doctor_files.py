"""What ``leadfold doctor`` looks at on disk: folders, rights, space, what was left behind."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from flows.checks import Finding, join
from flows.erasing_copies import read_lists
from flows.jobs import find_user
from flows.settings import Settings
from flows.workspace import is_held

_LEAST_FREE_BYTES = 10**9
_LEAST_FREE_SHARE = 0.05
# A file is copied, unpacked and worked on: beside it so many times its size are needed.
_TIMES_A_FILE = 4
# So many landed files are looked at: the rest has come the same way.
_SAMPLE = 10_000


def check_folders(settings: Settings) -> Iterator[Finding]:
    """Whether files can be made in home and what is in it, and moved from one to the other."""
    folders = [settings.home, *(each for each in _folders(settings) if os.path.lexists(each))]
    refused = {folder: fault for folder in folders if (fault := try_to_write(folder))}
    for folder, fault in refused.items():
        yield Finding(
            *("files", "wrong", f"{folder} cannot be written to: {fault}."),
            f"Give it to the user who runs Leadfold: chown {find_user()} '{folder}'",
        )
    there = [folder for folder in folders if folder not in refused]
    if there:
        yield Finding(
            "files", "ok", f"{len(there):,} folders under {settings.home} can be written to."
        )
    moved = [each for each in there if each in _moved_between(settings)]
    if len({os.stat(folder).st_dev for folder in moved}) > 1:
        yield Finding(
            *("files", "warning", f"On different disks: {join([str(each) for each in moved])}."),
            "Put them on one, so that a file is moved at once and never half.",
        )


def try_to_write(folder: Path) -> str:
    """Why no file can be made in a folder; empty: one was made, and removed again.

    It is tried, since root may write whatever a folder's mode says, and nobody to a read-only disk.
    """
    try:
        with tempfile.TemporaryFile(dir=folder, prefix=".leadfold-doctor-"):
            return ""
    except OSError as error:
        return (error.strerror or type(error).__name__).lower()


def check_privacy(settings: Settings) -> Iterator[Finding]:
    """Whether other users of this machine can read people's data."""
    if not _has_mode(settings.home, 0o055):
        yield Finding("files", "ok", f"Only Leadfold's user can enter {settings.home}.")
        return
    closed = [settings.landing, settings.work, settings.archive, settings.quarantine]
    delivered = [settings.inbox, settings.drop]
    # Into the last two others may put files, and no stranger may look.
    open_ones = [each for each in closed if _has_mode(each, 0o077)]
    open_ones += [each for each in delivered if _has_mode(each, 0o004)]
    if _has_mode(settings.home, 0o022):
        yield Finding(
            *("files", "warning", f"Others may write to {settings.home}."),
            f"chmod go-w '{settings.home}'",
        )
    if open_ones:
        names = [str(each) for each in open_ones]
        yield Finding(
            *("files", "warning", f"Others may read {join(names)}."),
            f"chmod go-rwx {' '.join(repr(name) for name in names)}",
        )
    landed = list(_sample(settings.landing))
    readable = [each for each in landed if each.stat().st_mode & 0o077]
    if readable:
        yield Finding(
            *("files", "warning", f"Others may read landed files, such as {readable[0].name}."),
            f"chmod 600 '{settings.landing}'/*",
        )
    if not open_ones and not readable:
        yield Finding("files", "ok", "Only Leadfold's user can read people's data.")


def check_space(settings: Settings) -> Iterator[Finding]:
    """Whether the disk has room for the next files."""
    usage = shutil.disk_usage(settings.home)
    largest = max((each.stat().st_size for each in _sample(settings.landing)), default=0)
    yield judge_space(usage.total, usage.free, largest)


def judge_space(total_bytes: int, free_bytes: int, largest_bytes: int) -> Finding:
    """What to think of the space that is left, where the largest file landed is so large."""
    free = f"{free_bytes / 1e9:,.1f} GB of {total_bytes / 1e9:,.1f} GB are free"
    remedy = "Make room: leadfold maintain removes what retention.yaml does not want kept."
    needed = _TIMES_A_FILE * largest_bytes
    if free_bytes < needed:
        return Finding(
            *("files", "wrong", f"{free}; a file like the largest takes {needed / 1e9:,.1f} GB."),
            remedy,
        )
    if free_bytes < max(_LEAST_FREE_BYTES, _LEAST_FREE_SHARE * total_bytes):
        return Finding("files", "warning", f"{free}.", remedy)
    return Finding("files", "ok", f"{free}.")


def check_leftovers(settings: Settings) -> Iterator[Finding]:
    """Whether killed imports or erasures left something behind."""
    killed = [each for each in sorted(settings.work.glob("*.lock")) if not is_held(each)]
    if killed:
        yield Finding(
            *("files", "warning", f"Left behind by killed imports: {len(killed):,} work folders."),
            "The next import removes them, or: leadfold maintain",
        )
    if cut_off := len(read_lists(settings.home)):
        yield Finding(
            *("files", "warning", f"Cut off before all files were replaced: {cut_off:,} erasures."),
            "Unless one runs now, end them: leadfold maintain",
        )
    if not killed and not cut_off:
        yield Finding("files", "ok", "Nothing was left behind.")


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    check_folders,
    check_privacy,
    check_space,
    check_leftovers,
)


def _folders(settings: Settings) -> list[Path]:
    return [
        *(settings.landing, settings.work, settings.runs, settings.inbox),
        *_moved_between(settings),
    ]


def _moved_between(settings: Settings) -> list[Path]:
    return [settings.drop, settings.archive, settings.quarantine]


def _has_mode(path: Path, mode: int) -> bool:
    return path.exists() and bool(path.stat().st_mode & mode)


def _sample(folder: Path) -> Iterator[os.DirEntry[str]]:
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for number, entry in enumerate(entries):
            if number >= _SAMPLE:
                break
            if entry.is_file(follow_symlinks=False):
                yield entry
