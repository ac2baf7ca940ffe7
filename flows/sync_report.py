"""What people see of feeds and their syncs: as a sentence, a table, a page or JSON."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType

from contracts.feeds import Feed
from flows.feed_files import Known, Status
from flows.pages import escape, table
from flows.syncing import FeedSync, FileSync
from flows.terminal import make_table, text_of, visible

_WORDS: dict[Status, str] = {
    "done": "done",
    "repeated": "delivered again",
    "held": "held",
    "failed": "failed",
    "open": "failed, to be tried again",
    "refused": "refused",
    "declined": "declined",
}
_COLUMNS = ("new files", "done", "held", "failed", "rows", "new people", "rejects")


def sync_sentence(syncs: Sequence[FeedSync]) -> str:
    """A sync of feeds in a sentence: what failed first, if anything did."""
    if not syncs:
        return "No feed is to be looked at."
    bad = [_fault(each) for each in syncs if not each.is_good]
    feeds = f"{len(syncs):,} feed{'' if len(syncs) == 1 else 's'}"
    done = f"{feeds}: {_counted(file for each in syncs for file in each.files)}."
    left = [_left(each) for each in syncs if _left(each)]
    return visible(" ".join((*bad, done, *left)))


def file_sentence(file: FileSync) -> str:
    """What became of a file, with the reason if it is not in."""
    if file.status == "done":
        counts = [outcome.counts for outcome in file.outcomes]
        rows, new = (sum(getattr(each, name) for each in counts) for name in ("landed", "inserted"))
        return f"done: {rows:,} rows, {new:,} new."
    return visible(f"{_WORDS[file.status]}: {file.reason}")


def sync_table(syncs: Sequence[FeedSync]) -> RenderableType:
    """What became of each feed, in counts."""
    table = make_table("feed")
    for column in _COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    for sync in syncs:
        table.add_row(text_of(sync.feed.id), *(f"{count:,}" for count in _counts(sync)))
    return table


def sync_markdown(syncs: Sequence[FeedSync]) -> str:
    """A sync of feeds as a page: for Prefect's artifacts."""
    rows: list[tuple[str | int, ...]] = [(sync.feed.id, *_counts(sync)) for sync in syncs]
    lines = [f"- {escape(line)}" for line in _lines(syncs)]
    parts = ["# Feeds", "", escape(sync_sentence(syncs)), ""]
    parts += [*table(("feed", *_COLUMNS), rows), ""]
    return "\n".join((*parts, *(("## What is not in", "", *lines) if lines else ())))


def sync_json(sync: FeedSync) -> dict[str, Any]:
    """A feed's sync as scripts read it."""
    return {
        "feed": sync.feed.id,
        "is_good": sync.is_good,
        "fault": sync.fault,
        "files": [
            {
                "name": file.name,
                "status": file.status,
                "reason": file.reason,
                "imports": [outcome.import_id for outcome in file.outcomes],
            }
            for file in sync.files
        ],
        "stopped_by": sync.stopped_by,
        "growing": sync.growing,
        "waiting": sync.waiting,
        "earlier": dict(sync.earlier),
    }


def feeds_table(feeds: Sequence[Feed], known: Mapping[str, Sequence[Known]]) -> RenderableType:
    """The feeds, what each last delivered, and how its files stand."""
    table = make_table("feed", "team", "source", "state")
    table.add_column("last delivery UTC", no_wrap=True)
    table.add_column("files", overflow="fold")
    for feed in feeds:
        files = known.get(feed.id, ())
        last = max((file.taken_at for file in files), default=None)
        stati = [file.status for file in files]
        told = [f"{stati.count(status):,} {_WORDS[status]}" for status in dict.fromkeys(stati)]
        state = "inactive" if not feed.active else "held" if "held" in stati else "active"
        cells = (feed.id, feed.team, feed.source, state, f"{last:%Y-%m-%d %H:%M}" if last else "")
        table.add_row(*map(text_of, (*cells, ", ".join(told))))
    return table


def feed_json(feed: Feed, files: Sequence[Known]) -> dict[str, Any]:
    """A feed as scripts read it; what the environment holds stays there."""
    last = max((file.taken_at for file in files), default=None)
    return {
        **feed.model_dump(exclude={"options"}),
        "last_delivery": last.isoformat() if last else None,
        "files": {
            status: sum(file.status == status for file in files)
            for status in sorted({file.status for file in files})
        },
    }


def _lines(syncs: Sequence[FeedSync]) -> Iterator[str]:
    """What is to be said beside the counts: each file that is not in, and what keeps a feed."""
    for sync in syncs:
        for file in sync.files:
            if file.status != "done":
                yield f"{sync.feed.id}, {file.name}: {file_sentence(file)}"
        if sync.fault:
            yield f"{sync.feed.id}: {sync.fault}"
        if told := _left(sync):
            yield told


def _counts(sync: FeedSync) -> tuple[int, ...]:
    outcomes = [outcome for file in sync.files for outcome in file.outcomes if outcome.is_good]
    return (
        len(sync.files),
        sync.count("done"),
        sync.count("held"),
        sync.count("failed") + sync.count("open"),
        sum(outcome.counts.landed for outcome in outcomes),
        sum(outcome.effects.get("personas", {}).get("insert", 0) for outcome in outcomes),
        sum(outcome.counts.rejected for outcome in outcomes),
    )


def _fault(sync: FeedSync) -> str:
    """Why a feed is not well, in a sentence."""
    if sync.fault:
        return f"{sync.feed.id}: {sync.fault.splitlines()[0]}"
    bad = [file for file in sync.files if not file.is_good]
    if not bad:
        return f"{sync.feed.id} stands still at {sync.stopped_by}."
    words = "held" if all(file.status == "held" for file in bad) else "failed"
    if {file.status == "held" for file in bad} == {True, False}:
        words = "held or failed"
    of = f"{len(bad):,} of {len(sync.files):,} file{'' if len(sync.files) == 1 else 's'}"
    return f"{sync.feed.id}: {of} {words}: {(bad[0].reason.splitlines() or [''])[0]}"


def _left(sync: FeedSync) -> str:
    """What of a feed is left for another time, in sentences."""
    feed, told = sync.feed.id, []
    behind = f" {sync.waiting:,} behind it wait." if sync.waiting else ""
    if sync.growing:
        told.append(f"{feed}: {sync.growing} is still being written.{behind}")
    elif sync.stopped_by:
        told.append(f"{feed} stops at {sync.stopped_by}, as it is to do on a failure.{behind}")
    for status, count in sync.earlier.items():
        files = f"{count:,} file{'' if count == 1 else 's'} of before"
        why = "for a decision" if status == "held" else "to be delivered anew"
        told.append(f"{feed}: {files} {'waits' if count == 1 else 'wait'} {why}.")
    return " ".join(told)


def _counted(files: Iterator[FileSync]) -> str:
    stati = [file.status for file in files]
    told = [f"{stati.count(status):,} {_WORDS[status]}" for status in dict.fromkeys(stati)]
    word = "new file" if len(stati) == 1 else "new files"
    return f"{len(stati):,} {word}, {', '.join(told)}" if stati else "nothing new"
