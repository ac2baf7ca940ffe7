"""feeds.yaml: what it may say, and what is told of what it may not."""

from pathlib import Path

import pytest

from contracts.errors import ContractError
from contracts.feed_list import parse_feeds
from contracts.feeds import Feed

ROOT = Path(__file__).resolve().parent.parent
GOOD = """\
feeds:
  - id: lists
    team: Acme
    source: generic
    location: feeds/lists
"""
OTHER = """\
  - id: other
    team: acme
    source: hubspot
    location: feeds/other
"""


def test_what_a_feed_does_not_say_is_as_with_most() -> None:
    """Four settings are enough."""
    (feed,) = parse_feeds(GOOD)
    assert feed == Feed(id="lists", team="Acme", source="generic", location="feeds/lists")
    assert (feed.active, feed.mode, feed.on_failure, feed.schedule) == (True, "", "continue", None)
    assert feed.policy.said == {}
    assert not feed.is_snapshot


def test_the_sample_is_one() -> None:
    """Whoever copies it gets feeds, and sees every setting."""
    text = (ROOT / "data" / "samples" / "feeds.yaml").read_text(encoding="utf-8")
    assert [feed.id for feed in parse_feeds(text)] == ["acme-lists", "acme-hubspot"]
    assert all(f"{name}:" in text for name in Feed.model_fields)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "feeds:\n", "feeds: []\n"])
def test_none_is_no_fault(text: str) -> None:
    """A file in which nothing stands yet has no feeds."""
    assert parse_feeds(text) == ()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("sourse: x", "line 6, feed 'lists', sourse: there is no such setting. Did you mean 'sour"),
        ("policy: {on_mising: reject}", "policy.on_mising: there is no such setting. Did you mean"),
        ("policy: {max_delete_rate: 5}", "line 6, feed 'lists', policy.max_delete_rate: Input sho"),
        ("mode: snapshot", "mode: in a snapshot a record that is not there is gone, so records"),
        ("on_failure: pause", "on_failure: Input should be 'continue' or 'stop'"),
        ("schedule: {cron: 61 2 * * *}", "schedule.cron: 61 is not from 0 to 59"),
        ("schedule: {cron: 2 * * *}", "schedule.cron: write five fields"),
        ("schedule: {cron: 0 2 * * MON}", "schedule.cron: 'MON' is none of"),
        ("schedule: {cron: 0 2 * * *, timezone: Mars}", "schedule.timezone: 'Mars' is no time zon"),
        ("team: Beta", "line 6, feed 'lists', team: it stands there twice"),
        ("options: {password: hunter2}", "options: password stands in the file. Put it into the"),
        ("options: {port: '${A B}'}", "options: '${' begins no name of the environment"),
        ("settle_seconds: -1", "settle_seconds: Input should be greater than or equal to 0"),
    ],
)
def test_a_fault_is_told_with_its_place(line: str, told: str) -> None:
    """Line, feed and field; what nobody else is to read is not quoted."""
    with pytest.raises(ContractError) as error:
        parse_feeds(f"{GOOD}    {line}\n", "home/feeds.yaml")
    assert str(error.value).startswith("home/feeds.yaml: these feeds cannot be:\n  line ")
    assert told in str(error.value)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("source: generic", "source: generik", "source: Unknown source 'generik'. Did you mean 'g"),
        ("id: lists", "id: My Lists", "feed 'My Lists', id: String should match pattern"),
        ("    team: Acme\n", "", "line 2, feed 'lists', team: it must be given"),
        ("feeds/lists", "sftp://u:hunter2@h/x", "location: a password stands in it. Put it into"),
        ("feeds/lists", "simplecache::sftp://h/x", "a chain of addresses ('::') cannot be follow"),
        ("source: generic", "source: auto\n    mode: snapshot", "mode: a snapshot ends the record"),
    ],
)
def test_a_setting_that_cannot_be_so_is_told(old: str, new: str, told: str) -> None:
    """With what was meant, where that is near."""
    with pytest.raises(ContractError) as error:
        parse_feeds(GOOD.replace(old, new))
    assert told in str(error.value)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("feeds: [x", "feeds.yaml: not readable as YAML in line"),
        ("feds: []", "it must be 'feeds:' and below that one '- id: ...' for each feed"),
        ("- id: x", "it must be 'feeds:'"),
        ("feeds:\n  - lists\n", "line 2, feed number 1: it must say id, team, source and location"),
    ],
)
def test_a_file_of_another_form_is_told(text: str, told: str) -> None:
    """What it must be is said."""
    with pytest.raises(ContractError) as error:
        parse_feeds(text)
    assert told in str(error.value)


def test_all_faults_are_told_at_once() -> None:
    """Two feeds of one id, and an unknown source."""
    with pytest.raises(ContractError) as error:
        parse_feeds(GOOD + OTHER.replace("other", "lists", 1).replace("hubspot", "hubspott"))
    source, double = str(error.value).splitlines()[1:]
    assert source.startswith("  line 8, feed 'lists', source: Unknown source 'hubspott'. Did you")
    assert double == "  line 6, feed 'lists', id: the feed of line 2 has this id, too"


@pytest.mark.parametrize(
    ("mode", "other", "is_refused"),
    [
        ("snapshot", "", True),
        ("", "mode: snapshot", True),
        ("snapshot", "active: false", False),
        ("snapshot", "team: Beta", False),
        ("full", "mode: delta", False),
    ],
)
def test_a_snapshot_has_its_records_alone(mode: str, other: str, is_refused: bool) -> None:
    """Two feeds of one source and team would end each other's records."""
    one = OTHER.replace("other", "one") + (f"    mode: {mode}\n" if mode else "")
    two = OTHER.replace("    team: acme\n", "") if "team" in other else OTHER
    text = f"feeds:\n{one}{two}" + (f"    {other}\n" if other else "")
    if not is_refused:
        assert len(parse_feeds(text)) == 2
        return
    with pytest.raises(ContractError, match="is a snapshot: it would end the records of the other"):
        parse_feeds(text)
