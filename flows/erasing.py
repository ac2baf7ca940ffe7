"""Erasing a person: the story, top to bottom. An import of its own that nobody can undo."""

import contextlib
import fcntl
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg
from psycopg.types.json import Jsonb

from contracts.errors import WrongCallError
from flows import ledger, warehouse
from flows.erasing_copies import (
    PART_PREFIX,
    carry_out,
    drop,
    read_lists,
    write_list,
)
from flows.erasing_files import Sweep, list_files, list_ledgered, point_to_copies, sweep_files
from flows.erasing_person import Person, find_person, list_hashes, list_lines
from flows.erasing_rows import Effects, delete_rows, list_gone
from flows.erasing_texts import list_mentions, list_named_files, redact_texts
from flows.erasure_keys import ErasureKey, check_key, load_key
from flows.importing import sweep_killed
from flows.jobs import find_user, make_import_id
from flows.settings import Settings
from flows.teams import Team, find_team, list_teams
from flows.vacuuming import vacuum
from flows.workspace import hold_workspace

SOURCE = "erase"
FILE_NAME = "a person"
_REMAINS = (
    "Postgres keeps what it has logged (WAL) until that is recycled, and may quote values of"
    " statements that failed in its server log.",
    "Backups of the database and of LEADFOLD_HOME keep the person until they are deleted.",
    "Prefect keeps the paths of files that were imported in a database of its own.",
    "The files that were sent, where they came from, and plans or rejects that somebody saved"
    " elsewhere, are yours to clean.",
)


@dataclass(frozen=True)
class Erasure:
    """What was removed, or would be.

    Attributes:
        import_id: Its row in the ledger; a dry run has none.
        team_id: Whose person.
        persona_ids: The persona and those merged into it; none: traces alone.
        effects: Table -> action -> rows.
        files: Files that were rewritten and deleted, and the records taken out.
        hashes: How many keyed hashes keep the person from coming back.
        shared: How many values others state too; those stay with them.
        remains: What remains and where, as sentences.
        is_dry_run: Whether nothing was written.
    """

    import_id: str
    team_id: str
    persona_ids: tuple[str, ...]
    effects: Effects
    files: Sweep = field(repr=False)
    hashes: int = 0
    shared: int = 0
    remains: tuple[str, ...] = ()
    is_dry_run: bool = False


def run_erase(
    subject: str,
    settings: Settings,
    team_name: str = "",
    *,
    is_dry_run: bool = False,
    started_by: str = "",
) -> Erasure:
    """Remove a person everywhere that Leadfold keeps data, or tell what that would remove.

    Copies of files are written first, then the database commits, then the copies replace the
    files. Cut off before the commit, nothing has happened; after it, the next erasure or
    ``maintain`` puts the copies in place.

    Args:
        subject: A persona's id, an email or a phone.
        settings: Where the database and the files are.
        team_name: Name or id of the team; empty where there is only one.
        is_dry_run: Whether to tell, and write nothing.
        started_by: Who asks for it; empty: who runs this program.

    Raises:
        WrongCallError: There is no such team or person, or several people have that value.
        ErasureKeyError: People of the team were erased under another key.
        TeamBusyError: An import of the team runs for too long.
        DatabaseUnavailableError: Postgres does not answer.
    """
    import_id = make_import_id()
    with (
        one_at_a_time(settings.home),
        warehouse.connected(settings, import_id) as connection,
        hold_workspace(settings.work, import_id) as scratch,
    ):
        sweep_killed(connection, settings)
        finish_cut_off(connection, settings.home)
        team = _find_team(connection, team_name)
        key = _find_key(connection, team, settings.home, is_dry_run=is_dry_run)
        sweep = Sweep()
        try:
            with warehouse.team_locked(connection, team.team_id, settings.lock_wait_seconds):
                person = find_person(connection, team, subject)
                erasure, sweep = _erase(
                    connection, person, key, settings, import_id, scratch, is_dry_run=is_dry_run
                )
                if is_dry_run:
                    raise psycopg.Rollback
                _note(connection, erasure, started_by or find_user())
                write_list(settings.home, import_id, sweep.swaps)
        except BaseException:
            # A COMMIT whose answer was lost may have gone through.
            with contextlib.suppress(Exception), warehouse.connected(settings) as again:
                finish_cut_off(again, settings.home)
            raise
        if not is_dry_run:
            carry_out(settings.home, import_id, sweep.swaps)
            left = vacuum(connection, sorted(erasure.effects))
            return replace(erasure, remains=(*left, *erasure.remains))
    return erasure


def finish_cut_off(connection: psycopg.Connection, home: Path) -> int:
    """Put in place the copies of erasures that were cut off after their commit; drop the others.

    Returns:
        How many files an erasure had left to replace.
    """
    finished = 0
    for import_id, swaps in read_lists(home).items():
        done = connection.execute(
            "SELECT FROM imports WHERE import_id = %s AND status = 'done'", [import_id]
        )
        if done.fetchone() is not None:
            carry_out(home, import_id, swaps)
            finished += len(swaps)
        else:
            drop(home, import_id, swaps)
    for path in list(list_files(home)):
        if path.name.startswith(PART_PREFIX):
            path.unlink(missing_ok=True)
    return finished


@contextlib.contextmanager
def one_at_a_time(home: Path) -> Iterator[None]:
    """Erasures of one machine follow each other: they replace files."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / "erase.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _find_team(connection: psycopg.Connection, name: str) -> Team:
    if name:
        return find_team(connection, name)
    teams = list_teams(connection)
    if len(teams) != 1:
        known = ", ".join(team.name for team in teams) or "none"
        raise WrongCallError(f"Whose person is it? Name the team with --team. There are: {known}.")
    return teams[0]


def _find_key(
    connection: psycopg.Connection, team: Team, home: Path, *, is_dry_run: bool
) -> ErasureKey | None:
    """The key of this machine, if it is the one under which the team's people were erased."""
    key_ids = [
        key_id
        for (key_id,) in connection.execute(
            "SELECT DISTINCT key_id FROM erased WHERE team_id = %s", [team.team_id]
        )
    ]
    # A new key beside people who were erased under another would only hide that theirs is gone.
    key = load_key(home, may_make=not is_dry_run and not key_ids)
    return check_key(key, key_ids, team.name) if key_ids else key


def _erase(
    connection: psycopg.Connection,
    person: Person,
    key: ErasureKey | None,
    settings: Settings,
    import_id: str,
    scratch: Path,
    *,
    is_dry_run: bool,
) -> tuple[Erasure, Sweep]:
    """All that is done within the transaction."""
    team_id = person.team.team_id
    connection.execute("SELECT set_config('leadfold.import_id', %s, true)", [import_id])
    lines = list_lines(connection, person)
    sweep = sweep_files(
        settings,
        team_id,
        list_ledgered(connection, team_id),
        person.traces,
        lines,
        person.records,
        scratch,
        is_dry_run=is_dry_run,
    )
    for digest, found in sweep.lines.items():
        lines.setdefault(digest, set()).update(found)
    list_gone(connection, person)
    effects = redact_texts(connection, person, lines)
    for table, actions in delete_rows(connection, person).items():
        for action, rows in actions.items():
            counted = effects.setdefault(table, {})
            counted[action] = counted.get(action, 0) + rows
    point_to_copies(connection, team_id, sweep.hashes)
    hashes = list_hashes(person)
    if key and not is_dry_run:
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO erased (team_id, kind, hash, key_id, import_id)"
                " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                [
                    (team_id, kind, key.hash_claim(kind, value), key.key_id, import_id)
                    for kind, value in hashes
                ],
            )
    return (
        Erasure(
            import_id,
            team_id,
            tuple(sorted(person.persona_ids)),
            effects,
            sweep,
            len(hashes),
            len(person.shared),
            (*_list_mentioned(connection, person), *sweep.remains, *_REMAINS),
            is_dry_run,
        ),
        sweep,
    )


def _list_mentioned(connection: psycopg.Connection, person: Person) -> list[str]:
    remains = []
    if leads := list_mentions(connection, person):
        more = f" and {len(leads) - 10:,} more" if len(leads) > 10 else ""
        remains.append(
            "Records of other people speak of the person in their own words, and stay:"
            f" {', '.join(leads[:10])}{more}."
        )
    if files := list_named_files(connection, person):
        remains.append(
            f"{len(files)} imported files are called after the person, and others have records in"
            " them, so their names stay."
        )
    return remains


def _note(connection: psycopg.Connection, erasure: Erasure, started_by: str) -> None:
    """Write the ledger's row, in the transaction that erases; it names nobody."""
    ledger.start_import(
        connection,
        erasure.import_id,
        team_id=erasure.team_id,
        source=SOURCE,
        source_file=SOURCE,
        file_name=FILE_NAME,
        started_by=started_by,
        cause="erase",
    )
    connection.execute(
        "UPDATE imports AS own SET status = 'done', finished_at = clock_timestamp(),"
        " is_undoable = false, effects = %s,"
        " commit_no = 1 + coalesce((SELECT max(past.commit_no) FROM imports AS past"
        " WHERE past.team_id = own.team_id), 0) WHERE import_id = %s",
        [Jsonb(erasure.effects), erasure.import_id],
    )
    connection.execute(
        "UPDATE teams SET change_seq = change_seq + 1 WHERE team_id = %s", [erasure.team_id]
    )
