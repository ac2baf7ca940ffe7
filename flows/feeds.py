"""The feeds of ``feeds.yaml``: which there are, and who may use them."""

from collections.abc import Sequence

import psycopg

from contracts.errors import ContractError, WrongCallError
from contracts.feed_list import list_clashes, parse_feeds
from contracts.feeds import Feed
from contracts.strict import hint_near
from flows.ledger import Import
from flows.settings import Settings
from flows.teams import find_team, list_teams

FILE_NAME = "feeds.yaml"


def load_feeds(settings: Settings) -> tuple[Feed, ...]:
    """The feeds of ``feeds.yaml`` in home; none where there is no such file.

    Raises:
        ContractError: It says what no feed can say.
    """
    path = settings.home / FILE_NAME
    return parse_feeds(path.read_text(encoding="utf-8"), str(path)) if path.exists() else ()


def find_feed(settings: Settings, feed_id: str, team: str = "") -> Feed:
    """The active feed of that id, for whoever delivers a file for it.

    Args:
        settings: Where the feeds and the database are.
        feed_id: Its id.
        team: Name or id of the team for which the file is meant; empty: the feed's.

    Raises:
        ContractError: ``feeds.yaml`` is wrong.
        WrongCallError: There is no such feed, it is not active, or it is another team's.
    """
    feeds = {feed.id: feed for feed in load_feeds(settings)}
    path = settings.home / FILE_NAME
    if feed_id not in feeds:
        hint = hint_near(feed_id, feeds)
        known = f"Feeds: {', '.join(feeds)}." if feeds else f"There are none in {path}."
        raise WrongCallError(f"Unknown feed '{feed_id}'.{hint} {known}")
    feed = feeds[feed_id]
    if not feed.active:
        raise WrongCallError(
            f"Feed '{feed_id}' is not active: nothing is taken for it.\n"
            f"If that is to change, write active: true in {path}."
        )
    if team:
        _check_team(settings, feed, team)
    return feed


def _check_team(settings: Settings, feed: Feed, team: str) -> None:
    from flows import warehouse

    with warehouse.connected(settings) as connection:
        meant, owner = find_team(connection, team), find_team(connection, feed.team)
    if meant.team_id != owner.team_id:
        raise WrongCallError(
            f"Feed '{feed.id}' is team '{owner.name}''s; a file for team '{meant.name}' is none of"
            " it."
        )


def feed_of(settings: Settings, entry: Import) -> Feed | None:
    """The feed that brought an import's file, as ``feeds.yaml`` has it now; None: none did.

    Raises:
        ContractError: ``feeds.yaml`` is wrong.
        WrongCallError: A feed brought it that is not there any more, so that nobody knows what it
            asked for.
    """
    if not entry.feed_id:
        return None
    for feed in load_feeds(settings):
        if feed.id == entry.feed_id:
            return feed
    raise WrongCallError(
        f"{entry.import_id} ({entry.file_name}) came by feed '{entry.feed_id}', which is not in"
        f" {settings.home / FILE_NAME} any more.\n"
        "Put it back, with active: false if nothing more is to be taken for it."
    )


def choose_feeds(settings: Settings, names: Sequence[str] = ()) -> list[Feed]:
    """The feeds of these ids; of none: the active ones that have no schedule of their own.

    Raises:
        ContractError: ``feeds.yaml`` is wrong.
        WrongCallError: One is not there, or is not active.
    """
    if names:
        return [find_feed(settings, name) for name in dict.fromkeys(names)]
    return [feed for feed in load_feeds(settings) if feed.active and not feed.schedule]


def check_clashes(connection: psycopg.Connection, settings: Settings, feed: Feed) -> None:
    """See that no other feed brings the records of a snapshot, whatever name its team goes by.

    Raises:
        ContractError: One does.
    """
    ids = {
        name: team.team_id for team in list_teams(connection) for name in (team.name, team.team_id)
    }
    for other in load_feeds(settings):
        if other.id != feed.id:
            for told in list_clashes((feed, other), lambda one: ids.get(one.team, one.team)):
                raise ContractError(told)
