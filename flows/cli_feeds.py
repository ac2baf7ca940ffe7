"""The commands ``feeds`` and ``sync``. Heavy imports stand where they are used."""

import json
import sys
from typing import TYPE_CHECKING

import click

from flows.settings import Settings, load_settings

if TYPE_CHECKING:
    from contracts.feeds import Feed
    from flows.feed_files import Known


@click.command()
@click.option("--check", is_flag=True, help="Also go to each location and look what is there.")
@click.option("--json", "as_json", is_flag=True, help="One object per feed.")
def feeds(check: bool, as_json: bool) -> None:
    """List the feeds of feeds.yaml, what each last delivered, and how its files stand.

    The exit code is 1 if feeds.yaml is wrong or a location cannot be reached.
    """
    from flows import terminal
    from flows.feeds import FILE_NAME, load_feeds
    from flows.sync_report import feed_json, feeds_table

    settings = load_settings()
    found = load_feeds(settings)
    known = _list_known(settings, found)
    if as_json:
        for feed in found:
            click.echo(json.dumps(feed_json(feed, known.get(feed.id, ()))))
    elif found:
        terminal.show(feeds_table(found, known))
    else:
        click.echo(f"There are no feeds. Write them into {settings.home / FILE_NAME}.")
    if check and not _check(settings, found):
        sys.exit(1)


@click.command()
@click.argument("names", metavar="[FEED]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="One object per feed.")
def sync(names: tuple[str, ...], as_json: bool) -> None:
    """Import what is new in FEEDs, or in all that have no schedule of their own.

    The exit code is 0 when all that is new is in, 1 when a file failed or is held, or a feed could
    not be looked at.
    """
    from flows import sync_report, terminal
    from flows.feeds import FILE_NAME, choose_feeds
    from flows.importing import run_import
    from flows.jobs import make_import_id
    from flows.syncing import FileSync, Syncing, sync_feed

    settings = load_settings()
    chosen = choose_feeds(settings, names)

    def tell(feed: "Feed", file: FileSync) -> None:
        if not as_json:
            told = f"{feed.id}, {file.name}: {sync_report.file_sentence(file)}"
            click.echo(terminal.visible(told), err=not file.is_good)

    how = Syncing(
        settings,
        lambda request: run_import(request, settings),
        lambda key: make_import_id(),
        tell,
        "command",
    )
    syncs = []
    for feed in chosen:
        syncs.append(sync_feed(feed, how))
        if as_json:
            click.echo(json.dumps(sync_report.sync_json(syncs[-1])))
    if not as_json:
        if syncs:
            terminal.show(sync_report.sync_table(syncs))
            click.echo(sync_report.sync_sentence(syncs))
        else:
            click.echo(f"There is no feed to sync. Feeds stand in {settings.home / FILE_NAME}.")
    if not all(each.is_good for each in syncs):
        sys.exit(1)


def _list_known(settings: Settings, found: "tuple[Feed, ...]") -> "dict[str, list[Known]]":
    from contracts.errors import WrongCallError
    from flows import terminal, warehouse
    from flows.feed_files import FeedFiles
    from flows.teams import find_team

    known = {}
    with warehouse.connected(settings) as connection:
        for feed in found:
            try:
                team_id = find_team(connection, feed.team).team_id
            except WrongCallError as error:
                click.echo(f"{feed.id}: {terminal.visible(str(error))}", err=True)
                continue
            known[feed.id] = list(FeedFiles(connection, team_id, feed.id).list_known().values())
    return known


def _check(settings: Settings, found: "tuple[Feed, ...]") -> bool:
    from contracts.errors import LeadfoldError
    from flows import terminal
    from flows.locations import reach

    is_good = True
    for feed in found:
        if not feed.active:
            continue
        try:
            with reach(feed, settings) as location:
                count = len(location.list_files())
        except LeadfoldError as error:
            is_good = False
            click.echo(f"{feed.id}: {terminal.visible(str(error))}", err=True)
        else:
            click.echo(f"{feed.id}: reached, {count:,} file{'' if count == 1 else 's'} there.")
    return is_good
