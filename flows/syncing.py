"""The story of a feed's sync: what is new at its location is imported, each file exactly once."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from contracts.errors import FileNotStableError, LeadfoldError
from contracts.feeds import AUTO, Feed
from contracts.registry import load_source
from flows import warehouse
from flows.feed_files import FeedFiles, Known, Status, status_of
from flows.feeds import check_clashes
from flows.file_systems import Found
from flows.jobs import Outcome, Request
from flows.ledger import Origin
from flows.locations import FileRefusedError, Location, reach
from flows.settings import Settings
from flows.teams import find_team
from flows.workspace import hold_workspace
from transforms.file_times import read_file_time

Importer = Callable[[Request], list[Outcome]]
MakeId = Callable[[str], str]
Tell = Callable[[Feed, "FileSync"], None]


@dataclass(frozen=True)
class FileSync:
    """What became of a new file.

    Attributes:
        name: Its name.
        status: As ``feed_files`` has it.
        reason: Why, if it was not imported.
        outcomes: What its imports did; an archive has several.
    """

    name: str
    status: Status
    reason: str = ""
    outcomes: tuple[Outcome, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether nothing is left to be done about it."""
        return self.status not in ("open", "held", "failed")


@dataclass
class FeedSync:
    """What became of a feed.

    Attributes:
        files: Its new files, in order.
        fault: Why it could not be looked at, or not to its end.
        stopped_by: The file at which it stops, since the feed wants that.
        waiting: How many files lie behind that one, or behind one that is still being written.
        growing: The file that is still being written.
        earlier: Status -> files that are as an earlier sync left them: held or failed.
    """

    feed: Feed
    files: list[FileSync] = field(default_factory=list)
    fault: str = ""
    stopped_by: str = ""
    waiting: int = 0
    growing: str = ""
    earlier: Counter[str] = field(default_factory=Counter)

    @property
    def is_good(self) -> bool:
        """Whether all that is new is in."""
        is_stuck = bool(self.stopped_by and self.waiting)
        return not self.fault and not is_stuck and all(each.is_good for each in self.files)

    @property
    def is_held(self) -> bool:
        """Whether nothing is wrong with it but that a person has to decide."""
        bad = [each for each in self.files if not each.is_good]
        return not self.fault and bool(bad) and all(each.status == "held" for each in bad)

    def count(self, status: Status) -> int:
        """How many of its new files ended so."""
        return sum(each.status == status for each in self.files)


@dataclass(frozen=True)
class Syncing:
    """How feeds are synced: within a flow run, or by a command.

    Attributes:
        importer: Imports one file.
        make_id: Gives the id of the import of a file, by what tells it from others.
        tell: Told of each new file, once it is through.
        origin: What the ledger says of how the imports were started.
        run_id: The Prefect flow run; empty: none.
    """

    settings: Settings
    importer: Importer
    make_id: MakeId
    tell: Tell
    origin: Origin
    run_id: str = ""


def sync_feed(feed: Feed, how: Syncing) -> FeedSync:
    """Import what is new at a feed's location, the oldest first.

    What is done, held, refused or cannot be read is not taken again as long as it stays as it is;
    what failed for a reason that may pass is. Killed and repeated, it goes on where it was.
    """
    done = FeedSync(feed)
    try:
        with (
            warehouse.connected(how.settings, f"leadfold sync {feed.id}") as connection,
            reach(feed, how.settings) as location,
        ):
            team = find_team(connection, feed.team)
            check_clashes(connection, how.settings, feed)
            files = FeedFiles(connection, team.team_id, feed.id)
            files.lock(how.settings.lock_wait_seconds)
            _Walk(feed, how, team.team_id, location, done).go(files.list_known())
    except LeadfoldError as error:
        done.fault = str(error)
    return done


@dataclass
class _Walk:
    """One way through the files of a feed, from the oldest to where it ends."""

    feed: Feed
    how: Syncing
    team_id: str
    location: Location
    done: FeedSync

    def go(self, known: dict[str, Known]) -> None:
        found, growing = self.location.list_settled(lambda each: _is_closed(known, each))
        found.sort(key=lambda each: (own_time(self.feed, each.name, each.modified_at), each.name))
        for at, each in enumerate(found):
            if not self._pass(each, known, is_growing=each.path in growing):
                behind = [other for other in found[at + 1 :] if not _is_closed(known, other)]
                self.done.waiting = len(behind)
                return

    def _pass(self, found: Found, known: dict[str, Known], *, is_growing: bool) -> bool:
        """Take a file, or leave it as it stands; whether those behind it have their turn."""
        status: Status = known[found.path].status if found.path in known else "open"
        if not _is_closed(known, found):
            try:
                if is_growing:
                    raise FileNotStableError(found.name)
                taken = self._take(found, known)
            except FileNotStableError:
                self.done.growing = found.name
                return False
            except FileRefusedError as error:
                taken = FileSync(found.name, "failed", str(error))
            if taken:
                self.done.files.append(taken)
                self.how.tell(self.feed, taken)
                status = taken.status
        if status not in ("held", "failed", "open"):
            return True
        if not self.done.files or self.done.files[-1].name != found.name:
            self.done.earlier[status] += 1
        if self.feed.on_failure == "stop":
            self.done.stopped_by = found.name
        return self.feed.on_failure == "continue"

    def _take(self, found: Found, known: dict[str, Known]) -> FileSync | None:
        """Fetch a file and import it; nothing, if it only looks otherwise than it did."""
        with hold_workspace(self.how.settings.work, f"feed_{self.feed.id}") as folder:
            path = folder / found.name
            file_hash = self.location.fetch(found, path)
            before = known.get(found.path)
            if before and before.file_hash == file_hash and before.status != "open":
                with self._files() as files:
                    files.touch(found)
                return None
            import_id = self.how.make_id(f"{self.feed.id}\n{found.path}\n{file_hash}")
            with self._files() as files:
                if refusal := self._refusal(files, found, file_hash, known):
                    first, status, told = refusal
                    files.note(found, file_hash, first or import_id, status, told)
                    return FileSync(found.name, status, told)
                import_id = files.note(found, file_hash, import_id)
            taken = self._import(found.name, path, import_id)
            with self._files() as files:
                files.close(found.path, taken.status, taken.reason or None)
                known.update(files.list_known())
        return taken

    def _refusal(
        self, files: FeedFiles, found: Found, file_hash: str, known: dict[str, Known]
    ) -> tuple[str, Status, str] | None:
        """Why a file is not imported: the import of its content, its status and a sentence."""
        if same := files.find_same(found.path, file_hash):
            return same.import_id, "repeated", f"The same as {same.name}, which is {same.status}."
        if not self.feed.is_snapshot:
            return None
        own = own_time(self.feed, found.name, found.modified_at)
        for each in known.values():
            if each.status == "done" and own < own_time(self.feed, each.name, each.modified_at):
                told = f"It is older than {each.name}, which is in: it would end what came since."
                return "", "refused", told
        return None

    def _import(self, name: str, path: Path, import_id: str) -> FileSync:
        request = Request(
            path,
            self.feed.team,
            self.feed.source,
            import_id=import_id,
            origin=self.how.origin,
            run_id=self.how.run_id,
            feed=self.feed,
        )
        try:
            outcomes = self.how.importer(request)
        except LeadfoldError as error:
            return FileSync(name, "open", str(error))
        except Exception as error:
            # The text of a strange error may hold people's data.
            return FileSync(name, "open", f"A fault of Leadfold's: {type(error).__name__}.")
        reason = " ".join(each.reason for each in outcomes if not each.is_good)
        return FileSync(name, status_of(outcomes), reason, tuple(outcomes))

    @contextmanager
    def _files(self) -> Iterator[FeedFiles]:
        # A connection for each step: Postgres may have gone and come back meanwhile.
        with warehouse.connected(self.how.settings, f"leadfold sync {self.feed.id}") as connection:
            yield FeedFiles(connection, self.team_id, self.feed.id)


def own_time(feed: Feed, name: str, modified_at: datetime) -> datetime:
    """Of when a file is: by its name if its source says so, else by its last change."""
    if feed.source == AUTO:
        return modified_at
    source = load_source(feed.source)
    told = source.file_time and read_file_time(name, source.file_time, source.file_timezone)
    return told or modified_at


def _is_closed(known: Mapping[str, Known], found: Found) -> bool:
    """Whether a file is not to be fetched: it is known, and looks as it did."""
    before = known.get(found.path)
    return bool(before and before.status != "open" and before.is_like(found))
