"""Feed: one team's stream of files from one source, as feeds.yaml names it."""

import re
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from contracts.errors import WrongCallError
from contracts.registry import load_source
from contracts.source_rules import Timezone

AUTO = "auto"
"""The source that is found out, file by file."""

REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""A value that stands in the environment: ``${NAME}``."""

# Options of fsspec that hold what nobody else is to read.
_SECRET = re.compile(r"pass(word|phrase)?$|secret|token|credential|api_key|connection_string")
# Minute, hour, day, month, weekday: the least and the most that each can say.
_CRON = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


class _Strict(BaseModel):
    # Values may hold secrets, and errors are told.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class FeedPolicy(_Strict):
    """What a feed's imports do otherwise than the team's policy says. None: as the team's.

    Attributes:
        on_duplicate: What a statement does to a person that is there.
        on_missing: What becomes of a person that is not there yet.
        max_reject_rate: Share of a file's rows that may be rejected before it is held.
        max_delete_rate: Share of the feed's records that one file may end before it is held.
    """

    on_duplicate: Literal["update", "skip"] | None = None
    on_missing: Literal["create", "reject"] | None = None
    max_reject_rate: float | None = Field(default=None, ge=0, le=1, strict=True)
    max_delete_rate: float | None = Field(default=None, ge=0, le=1, strict=True)

    @property
    def said(self) -> dict[str, Any]:
        """What it says, by the names of ``Policy``."""
        return self.model_dump(exclude_none=True)


class FeedSchedule(_Strict):
    """When a feed is looked at, if not with the others.

    Attributes:
        cron: Minute, hour, day of the month, month, day of the week.
        timezone: The zone of these.
    """

    cron: str
    timezone: Timezone = "UTC"

    @field_validator("cron")
    @classmethod
    def _is_cron(cls, cron: str) -> str:
        fields = cron.split()
        if len(fields) != len(_CRON):
            raise ValueError(
                "write five fields, minute, hour, day, month and weekday: 30 2 * * 1-5"
            )
        for field, (least, most) in zip(fields, _CRON, strict=True):
            for part in field.split(","):
                if not re.fullmatch(r"(\*|[0-9]+(-[0-9]+)?)(/[1-9][0-9]*)?", part):
                    raise ValueError(f"'{part}' is none of *, 5, 1-5, */10")
                for number in map(int, re.findall("[0-9]+", part.partition("/")[0])):
                    if not least <= number <= most:
                        raise ValueError(f"{number} is not from {least} to {most}")
        return " ".join(fields)


class Feed(_Strict):
    """One team's stream of files from one source.

    Attributes:
        id: What people call it.
        active: Whether its files are taken.
        team: Name or id of the team.
        source: Name of the contract; ``auto``: found out by file.
        location: A folder, or an fsspec address such as ``sftp://host/folder``.
        options: How to get there, as fsspec's file system of that kind takes it. Of ``sftp`` also
            ``host_key`` (the server's public key) and ``known_hosts`` (a file of them).
        pattern: Which files of the location are meant, as a shell pattern.
        mode: What a file states: ``full``: every record, yet one that it lacks is as it was;
            ``delta``: what changed; ``snapshot``: every record, and one that it lacks is gone.
            Empty: as the contract says.
        policy: What its imports do otherwise than the team's policy says.
        on_failure: Whether the feed's later files are taken after one that failed or is held.
        settle_seconds: A file that changed within this time is taken as still growing.
        answer_seconds: How long the location may take to answer.
        schedule: When it is looked at; None: with all others that have none.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)
    active: bool = True
    team: str
    source: str
    location: str = Field(min_length=1)
    options: dict[str, str | int | float | bool] = {}
    pattern: str = "*"
    mode: Literal["", "full", "delta", "snapshot"] = ""
    policy: FeedPolicy = FeedPolicy()
    on_failure: Literal["continue", "stop"] = "continue"
    settle_seconds: int = Field(default=30, ge=0, le=3600, strict=True)
    answer_seconds: int = Field(default=60, ge=1, le=3600, strict=True)
    schedule: FeedSchedule | None = None

    @field_validator("source")
    @classmethod
    def _is_known(cls, source: str) -> str:
        try:
            return source if source == AUTO else load_source(source).name
        except WrongCallError as error:
            raise ValueError(str(error)) from None

    @field_validator("location")
    @classmethod
    def _hides_its_password(cls, location: str) -> str:
        _check_references(location)
        if "::" in location:
            raise ValueError("a chain of addresses ('::') cannot be followed")
        try:
            password = urlsplit(location).password
        except ValueError:
            raise ValueError("it is neither a folder nor an address") from None
        if password and not REFERENCE.fullmatch(password):
            raise ValueError(
                "a password stands in it. Put it into the environment, and write"
                " sftp://user:${NAME}@host/folder"
            )
        return location

    @field_validator("options")
    @classmethod
    def _hide_secrets(
        cls, options: dict[str, str | int | float | bool]
    ) -> dict[str, str | int | float | bool]:
        for name, value in options.items():
            _check_references(str(value))
            if _SECRET.search(name) and not REFERENCE.fullmatch(str(value)):
                raise ValueError(
                    f"{name} stands in the file. Put it into the environment, and write"
                    f" {name}: ${{NAME}}"
                )
        return options

    @model_validator(mode="after")
    def _can_be_a_snapshot(self) -> "Feed":
        if self.mode != "snapshot":
            return self
        if self.source == AUTO:
            raise ValueError(
                "mode: a snapshot ends the records of its source that it lacks, so name the source"
            )
        source = load_source(self.source)
        if source.source_file != "feed" or "source_record_id" not in source.required:
            raise ValueError(
                "mode: in a snapshot a record that is not there is gone, so records need ids that"
                f" stay; those of {source.name} do not, or may be missing"
            )
        return self

    @property
    def is_snapshot(self) -> bool:
        """Whether a record that a file lacks is gone."""
        if self.mode or self.source == AUTO:
            return self.mode == "snapshot"
        return load_source(self.source).mode == "snapshot"


def _check_references(text: str) -> None:
    if "${" in REFERENCE.sub("", text):
        raise ValueError("'${' begins no name of the environment: write ${NAME}")
