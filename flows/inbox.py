"""The inbox: a folder per team, whose files analysts import by a form in the Prefect UI."""

import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from contracts.errors import WrongCallError
from flows.archiving import Imported, archive, was_imported
from flows.moving import reserve
from flows.settings import Settings
from flows.teams import Team
from flows.terminal import visible

MOST_LISTED = 200
# Files that somebody still writes, or that a program keeps for itself.
_UNFINISHED = (".part", ".tmp", ".crdownload", ".partial")


def make_folders(settings: Settings, teams: Iterable[Team]) -> None:
    """See that each team has a folder in the inbox."""
    for team in teams:
        (settings.inbox / team.team_id).mkdir(mode=0o700, parents=True, exist_ok=True)


def list_files(settings: Settings, teams: Sequence[Team]) -> list[str]:
    """Files that can be imported, as ``<team id>/<name>``: the newest first, at most 200.

    Links, hidden and unfinished files are left out, and names that no form can show.
    """
    found: list[tuple[float, str]] = []
    for team in teams:
        try:
            entries = list(os.scandir(settings.inbox / team.team_id))
        except OSError:
            continue
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode) and _is_listed(entry.name):
                found.append((-status.st_mtime, f"{team.team_id}/{entry.name}"))
    return [name for _, name in sorted(found)[:MOST_LISTED]]


def how_to_add(settings: Settings) -> str:
    """What the form says where there is no file to choose."""
    return f"There is no file yet. Put one into {settings.inbox}/TEAM/"


def find_file(settings: Settings, team: Team, file: str) -> Path:
    """The file of the inbox that a form names.

    Args:
        settings: Where the inbox is.
        team: Into whose people it is to go.
        file: ``<team id>/<name>``.

    Raises:
        WrongCallError: There is none of that name, it is another team's, or it is no plain file
            within the inbox.
    """
    folder = settings.inbox / team.team_id
    remedy = f"Put the file into {folder}/ and choose it from the list."
    if file == how_to_add(settings):
        raise WrongCallError(f"No file was chosen. {remedy}")
    owner, _, name = file.partition("/")
    told = visible(file)
    if not name or "/" in name or "\0" in name or name in (".", "..") or owner in ("", ".", ".."):
        raise WrongCallError(f"'{told}' does not name a file of the inbox. {remedy}")
    if owner != team.team_id:
        raise WrongCallError(
            f"'{told}' lies in the inbox of '{visible(owner)}', not of '{team.name}'. {remedy}"
        )
    path = folder / name
    try:
        status = path.lstat()
        is_inside = path.resolve() == settings.inbox.resolve() / team.team_id / name
    except OSError:
        raise WrongCallError(f"There is no file '{told}' in the inbox any more. {remedy}") from None
    if not stat.S_ISREG(status.st_mode) or not is_inside:
        raise WrongCallError(f"'{told}' is no plain file but a link or a folder. {remedy}")
    return path


def clear(settings: Settings, team_id: str, path: Path, imported: Sequence[Imported]) -> None:
    """Take a file that was imported out of the inbox, to ``archive/<team>/``.

    One that was replaced meanwhile stays: it has not been imported. One that is gone is no matter.

    Args:
        settings: Where inbox and archive are.
        team_id: Whose file it is.
        path: The file in the inbox.
        imported: What was imported of it: one for each member of an archive.
    """
    if was_imported(path, imported, settings.work):
        archive(path, reserve(settings.archive / team_id, path.name), imported)


def _is_listed(name: str) -> bool:
    if name.startswith(".") or name.endswith("~") or name.lower().endswith(_UNFINISHED):
        return False
    return visible(name) == name and "\n" not in name and "\t" not in name
