"""What lies in the drop folder, whose it is, and whether it is written to its end."""

import fcntl
import os
import re
import signal
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from contracts.feeds import AUTO
from contracts.registry import load_sources
from flows.settings import Settings
from flows.teams import Team

SETTLE_SECONDS = 1.0
_EMPTY_TIMES = 10
_DEPTH = 8

# As programs call what they have not written to its end, or keep for themselves.
_UNFINISHED = re.compile(
    r"^[.~]|~$|\.(part|partial|tmp|temp|crdownload|download|filepart|swp|lock)$"
    r"|^(thumbs\.db|desktop\.ini)$",
    re.IGNORECASE,
)
_KINDS = {
    stat.S_IFLNK: "a link, which is not followed",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True)
class Dropped:
    """Something in the drop folder that is written to its end.

    Attributes:
        path: Where it lies.
        team_id: Whose it is; empty: nobody's that is known.
        source: By which contract it is to be read, or ``auto``.
        modified_ns: Its own time.
        refusal: Why it cannot be imported; empty: it can.
        is_file: Whether it is a file; of anything else only the name can be taken away.
    """

    path: Path
    team_id: str
    source: str
    modified_ns: int
    refusal: str = ""
    is_file: bool = True


@dataclass
class Settling:
    """How long files have been as they are.

    Attributes:
        seconds: How long one must be so to count as written to its end.
        seen: Path -> size and time, and when it was first seen so; for files from another machine,
            whose clock may be ahead.
        unsettled: How many files the last look found that are not written to their end.
    """

    seconds: float = SETTLE_SECONDS
    seen: dict[Path, tuple[tuple[int, int], float]] = field(default_factory=dict)
    unsettled: int = 0

    def is_settled(self, path: Path, status: os.stat_result) -> bool:
        """Whether nobody has written to a file for a moment, and nobody is about to."""
        # Some programs make a file empty first, and fill it when the whole has arrived.
        least = self.seconds if status.st_size else _EMPTY_TIMES * self.seconds
        signature, now = (status.st_size, status.st_mtime_ns), time.monotonic()
        known, since = self.seen.get(path, (signature, now))
        self.seen[path] = (signature, since if known == signature else now)
        age = time.time() - max(status.st_mtime, status.st_ctime)
        is_old = age >= least or (age < 0 and now - self.seen[path][1] >= least)
        return is_old and not is_being_written(path)


def list_dropped(
    settings: Settings, teams: Sequence[Team], settling: Settling | None = None
) -> list[Dropped]:
    """What is ready in the drop folder, in the order of its own time, then by name.

    ``drop/<team>/<source or auto>/`` and folders below it; directly in ``drop/<team>/`` a file's
    source is found out. What programs write under a name of their own, until it is whole, is left
    alone: dotfiles, ``.part``, ``.tmp`` and the like. So are folders, and links to folders.

    Args:
        settings: Where the drop folder is.
        teams: All that there are.
        settling: How long files were as they are when it was looked before.
    """
    settling = settling or Settling()
    settling.unsettled = 0
    # An id is one team's; another's name may be spelled like it.
    known = {spelling: t.team_id for t in teams for spelling in (t.name, t.team_id)}
    known |= {team.team_id: team.team_id for team in teams}
    found, paths = [], set()
    for entry in _walk(settings.drop, _DEPTH):
        path = Path(entry.path)
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            continue  # it was taken away meanwhile
        kind = stat.S_IFMT(status.st_mode)
        if kind == stat.S_IFREG:
            paths.add(path)
            if not settling.is_settled(path, status):
                settling.unsettled += 1
                continue
        found.append(_describe(settings.drop, path, status, known))
    settling.seen = {path: seen for path, seen in settling.seen.items() if path in paths}
    return sorted(found, key=lambda each: (each.modified_ns, str(each.path)))


def is_being_written(path: Path) -> bool:
    """Whether a program of this machine has a file open to write to it.

    The kernel grants a lease on a file to its owner (or root) only while nobody has it open for
    writing. On file systems without leases nothing is known, and the answer is no.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # Whoever opens the file in this very moment makes the kernel tell us, by a signal that
        # would end the process; this one does nothing.
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except (OSError, AttributeError):  # no leases here, or no Linux
        return False
    finally:
        os.close(handle)
    return False


def _walk(folder: Path, depth: int) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            inside = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return  # taken away meanwhile, or not ours to read
    for entry in inside:
        if _UNFINISHED.search(entry.name):
            continue
        if entry.is_dir(follow_symlinks=False):
            if depth:
                yield from _walk(Path(entry.path), depth - 1)
        elif not (entry.is_symlink() and entry.is_dir()):
            yield entry


def _describe(drop: Path, path: Path, status: os.stat_result, known: dict[str, str]) -> Dropped:
    folders = path.relative_to(drop).parts[:-1]
    team_id = known.get(folders[0], "") if folders else ""
    source = folders[1] if len(folders) > 1 else AUTO
    kind = stat.S_IFMT(status.st_mode)
    is_file = kind == stat.S_IFREG
    refusal = ""
    if not is_file:
        refusal = f"This is no file but {_KINDS.get(kind, 'something else')}."
    elif not folders:
        refusal = "A file directly in the drop folder is nobody's: put it into a team's folder."
    elif not team_id:
        names = ", ".join(sorted(set(known.values()))) or "none yet"
        refusal = f"There is no team '{folders[0]}'. Teams: {names}."
    elif source != AUTO and source not in load_sources():
        names = ", ".join((AUTO, *load_sources()))
        refusal = f"There is no source '{source}'. Folders for sources: {names}."
    elif not os.access(path, os.R_OK):
        refusal = "Leadfold may not read this file. Give it the right to, and drop it again."
    return Dropped(path, team_id, source, status.st_mtime_ns, refusal, is_file)
