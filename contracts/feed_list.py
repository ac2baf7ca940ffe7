"""feeds.yaml: its text -> feeds, each checked, and all of them together."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from contracts.errors import ContractError
from contracts.feeds import Feed
from contracts.strict import hint_near, read_yaml

_FORM = "it must be 'feeds:' and below that one '- id: ...' for each feed."


@dataclass(frozen=True)
class _Item:
    """One feed as it stands in the file: what it says, and in which lines."""

    number: int
    line: int
    said: Any
    lines: dict[str, int] = field(default_factory=dict)
    doubled: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        feed_id = self.said.get("id") if isinstance(self.said, dict) else None
        return f"feed '{feed_id}'" if isinstance(feed_id, str) else f"feed number {self.number}"

    def fault(self, key: str, told: str) -> str:
        """A fault, and where it stands."""
        top = key.partition(".")[0]
        place = f"line {self.lines.get(top, self.line)}, {self.name}"
        return f"  {place}, {key}: {told}" if key else f"  {place}: {told}"


def parse_feeds(text: str, origin: str = "feeds.yaml") -> tuple[Feed, ...]:
    """Read the feeds of a feeds.yaml, in its order.

    Args:
        text: The YAML; empty: there are none.
        origin: The file's name, for the message.

    Raises:
        ContractError: The YAML is broken or says what no feed can say; the message names the
            line, feed and field of each fault, and what is meant by a near miss.
    """
    feeds: list[Feed] = []
    first: dict[str, int] = {}
    faults: list[str] = []
    for item in _read(text, origin):
        found = list(_list_faults(item))
        if isinstance(item.said, dict) and isinstance(feed_id := item.said.get("id"), str):
            line = first.setdefault(feed_id, item.line)
            if line != item.line:
                found.append(item.fault("id", f"the feed of line {line} has this id, too"))
        if not found:
            feeds.append(Feed.model_validate(item.said))
        faults += found
    if not faults:
        faults = [f"  {told}" for told in list_clashes(feeds, lambda feed: feed.team.casefold())]
    if faults:
        raise ContractError(f"{origin}: these feeds cannot be:\n" + "\n".join(faults))
    return tuple(feeds)


def list_clashes(feeds: Sequence[Feed], team_of: Callable[[Feed], str]) -> Iterator[str]:
    """Tell of each snapshot feed whose records another one brings, too: each would end the other's.

    Args:
        feeds: Those to look at; inactive ones do not count.
        team_of: What tells the team of a feed.
    """
    active = [feed for feed in feeds if feed.active]
    for at, one in enumerate(active):
        for other in active[at + 1 :]:
            is_same = one.source == other.source and team_of(one) == team_of(other)
            if is_same and (one.is_snapshot or other.is_snapshot):
                snapshot = one if one.is_snapshot else other
                yield (
                    f"feeds '{one.id}' and '{other.id}' are both of source {one.source} and team"
                    f" {one.team}, and '{snapshot.id}' is a snapshot: it would end the records of"
                    " the other. Make one feed of them, or none a snapshot."
                )


def _read(text: str, origin: str) -> Iterator[_Item]:
    try:
        said = read_yaml(text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        # What PyYAML quotes of the file may be a secret that somebody has put there.
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}" if mark else ""
        what = getattr(error, "problem", None) or "its form is broken"
        raise ContractError(f"{origin}: not readable as YAML{place}: {what}") from None
    if said is None:
        return
    if not isinstance(said, dict) or list(said) != ["feeds"]:
        raise ContractError(f"{origin}: {_FORM}")
    if said["feeds"] is None:
        return
    if not isinstance(said["feeds"], list) or not isinstance(root, yaml.MappingNode):
        raise ContractError(f"{origin}: {_FORM}")
    for number, (value, node) in enumerate(
        zip(said["feeds"], root.value[0][1].value, strict=True), start=1
    ):
        keys = [key for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []
        lines = {key.value: key.start_mark.line + 1 for key in keys}
        names = [key.value for key in keys]
        doubled = tuple(name for name in lines if names.count(name) > 1)
        yield _Item(number, node.start_mark.line + 1, value, lines, doubled)


def _list_faults(item: _Item) -> Iterator[str]:
    if not isinstance(item.said, dict):
        yield item.fault("", "it must say id, team, source and location.")
        return
    for name in item.doubled:
        yield item.fault(name, "it stands there twice")
    try:
        Feed.model_validate(item.said)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False, include_context=False):
            key = ".".join(str(part) for part in each["loc"])
            told = each["msg"].removeprefix("Value error, ")
            if each["type"] == "missing":
                told = "it must be given"
            elif each["type"] == "extra_forbidden":
                told = _unknown(each["loc"])
            elif not key:
                key, _, told = told.partition(": ")
            yield item.fault(key, told)


def _unknown(loc: tuple[int | str, ...]) -> str:
    model: type[BaseModel] = Feed
    for part in loc[:-1]:
        inner = model.model_fields[str(part)].annotation
        kinds = (inner, *getattr(inner, "__args__", ()))
        model = next(
            kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)
        )
    known = list(model.model_fields)
    hint = hint_near(str(loc[-1]), known)
    return f"there is no such setting.{hint} Settings: {', '.join(known)}"
