"""Claims: a dropped file is taken out of sight by a rename, so that only one process has it.

A claim is a folder of the file alone, under ``drop/.claimed``, and beside it a note of what is
known. Its id is that of the import, so that whoever takes it up after a crash asks for the same
import. A lock tells whether a process that lives works on it.
"""

import errno
import json
import logging
import pwd
import re
import shutil
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from flows.dropped_files import Dropped
from flows.jobs import find_user, make_import_id
from flows.moving import move_over, write_whole
from flows.settings import Settings
from flows.workspace import try_lock

LOG = logging.getLogger("leadfold")

FOLDER = ".claimed"
# What stands beside the file in the archive has a longer name, and names have at most 255 bytes.
_NAME_BYTES = 200


@dataclass(frozen=True)
class Claim:
    """A file that was dropped, and who takes it in.

    Attributes:
        import_id: Of its import.
        team_id: Whose it is; empty: nobody's that is known.
        source: By which contract it is to be read, or ``auto``.
        name: As the file is called from now on: without what no name should hold.
        dropped_as: Where it lay in the drop folder.
        modified_ns: Its own time.
        dropped_by: Whose file it is.
        refusal: Why it is not imported.
        is_file: Whether there is a file; of a link or pipe there is none.
        aside: Where it is until it has been copied, if it lay on another file system.
        ends_at: Where it goes, or has gone.
        is_held: Whether it lies there until somebody decides about the import.
        tries: How often a process began to import it, and did not live to its end.
        postponed: How often its import failed for a reason that might have passed.
    """

    import_id: str
    team_id: str
    source: str
    name: str
    dropped_as: str
    modified_ns: int
    dropped_by: str
    refusal: str = ""
    is_file: bool = True
    aside: str = ""
    ends_at: str = ""
    is_held: bool = False
    tries: int = 0
    postponed: int = 0

    def path(self, settings: Settings) -> Path:
        """Where the file is while it is claimed."""
        return settings.drop / FOLDER / self.import_id / self.name


def take(dropped: Dropped, settings: Settings) -> Claim | None:
    """Claim a file; None: it is gone or written to again, or another process was faster."""
    claim = Claim(
        make_import_id(),
        dropped.team_id,
        dropped.source,
        clean_name(dropped.path.name),
        clean_name(str(dropped.path.relative_to(settings.drop))),
        dropped.modified_ns,
        _owner(dropped.path),
        dropped.refusal,
        dropped.is_file,
    )
    (settings.drop / FOLDER).mkdir(mode=0o700, exist_ok=True)
    with try_lock(lock_of(claim.import_id, settings)):
        # Noted before it is taken: a file that is out of sight is never without a note.
        keep(claim, settings)
        try:
            return _take_away(claim, dropped.path, settings)
        except (FileNotFoundError, PermissionError) as error:
            forget(claim, settings)
            if isinstance(error, PermissionError):
                LOG.warning("%s: its folder does not let us take it.", claim.dropped_as)
            return None


def _take_away(claim: Claim, path: Path, settings: Settings) -> Claim:
    if path.lstat().st_mtime_ns != claim.modified_ns:
        raise FileNotFoundError("Somebody writes to it again.")
    target = claim.path(settings)
    target.parent.mkdir(mode=0o700)
    try:
        path.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        aside = path.with_name(f".leadfold-{claim.import_id}")
        claim = replace(claim, aside=str(aside))
        keep(claim, settings)
        path.rename(aside)
        move_over(aside, target)
    is_file = target.is_file() and not target.is_symlink()
    if not is_file:
        # Nobody is to follow a link, or to wait at a pipe, wherever it is moved to.
        target.unlink()
    if is_file != claim.is_file:
        refusal = claim.refusal or "This was a file, and turned into something else."
        claim = replace(claim, is_file=is_file, refusal=refusal)
        keep(claim, settings)
    return claim


@contextmanager
def hold(import_id: str, settings: Settings) -> Iterator[Claim | None]:
    """Hold a claim; None: another process holds it, or it is done with."""
    with try_lock(lock_of(import_id, settings)) as is_mine:
        yield read(import_id, settings) if is_mine else None


def list_claims(settings: Settings) -> list[Claim]:
    """All claims, in the order of the files' own times; those that are worked on, too."""
    folder = settings.drop / FOLDER
    names = [path.stem for path in folder.glob("*.json")] if folder.is_dir() else []
    found = (read(name, settings) for name in names)
    return sorted(filter(None, found), key=lambda claim: (claim.modified_ns, claim.name))


def read(import_id: str, settings: Settings) -> Claim | None:
    """What is noted of a claim."""
    try:
        return Claim(**json.loads(_note(import_id, settings).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def keep(claim: Claim, settings: Settings) -> None:
    """Note what is known of a claim."""
    write_whole(_note(claim.import_id, settings), json.dumps(asdict(claim)).encode())


def forget(claim: Claim, settings: Settings) -> None:
    """The file is where it belongs, or was never taken."""
    shutil.rmtree(claim.path(settings).parent, ignore_errors=True)
    _note(claim.import_id, settings).unlink(missing_ok=True)


def leave(claim: Claim, settings: Settings) -> None:
    """The file lies where it stays for the time being; the note stays, too."""
    keep(claim, settings)
    shutil.rmtree(claim.path(settings).parent, ignore_errors=True)


def is_there(claim: Claim, settings: Settings) -> bool:
    """Whether the claim has its file; a copy from another file system is brought to its end."""
    if claim.aside and Path(claim.aside).exists():
        claim.path(settings).parent.mkdir(mode=0o700, exist_ok=True)
        move_over(Path(claim.aside), claim.path(settings))
    return claim.path(settings).is_file()


def clean_name(name: str) -> str:
    """A name without control characters and bytes that are no text, and not too long."""
    text = "".join("_" if unicodedata.category(each)[0] == "C" else each for each in name)
    stem, dot, ending = text.rpartition(".")
    if not stem or len(ending.encode()) > 20:
        stem, dot, ending = text, "", ""
    room = _NAME_BYTES - len((dot + ending).encode())
    return re.sub(r"\s+$", "", stem.encode()[:room].decode("utf-8", "ignore")) + dot + ending


def _owner(path: Path) -> str:
    try:
        return pwd.getpwuid(path.lstat().st_uid).pw_name
    except (KeyError, OSError):
        return find_user()


def _note(import_id: str, settings: Settings) -> Path:
    return settings.drop / FOLDER / f"{import_id}.json"


def lock_of(import_id: str, settings: Settings) -> Path:
    """The lock that whoever works on a claim holds."""
    return settings.drop / FOLDER / f"{import_id}.lock"
