"""The rules of a source: which columns fill what, and what their cells mean."""

from datetime import datetime
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    model_validator,
)

from contracts.strict import Strict


def _check_timezone(name: str) -> str:
    """Polars brings the zones along; the machine may have none."""
    try:
        pl.Series([datetime(2000, 1, 1)]).dt.replace_time_zone(name)  # noqa: DTZ001
    except pl.exceptions.ComputeError:
        raise ValueError(f"'{name}' is no time zone; write UTC or Europe/Berlin") from None
    return name


Timezone = Annotated[str, AfterValidator(_check_timezone)]


class ColumnRule(Strict):
    """Which columns fill a field.

    Attributes:
        columns: Headers. A list field (phones, emails, tags) takes all that the file has, in
            this order; any other takes the first that the file has.
        timezone: For times without an offset: the zone that they are in (IANA name).
        formats: For times: strptime formats, and nothing else is read.
        day_first: For times: whether 03/04 is the third of April; else the file's values decide.
        words: For texts: all that it may say, however it is spelt. Other cells are issues.
    """

    columns: tuple[str, ...] = Field(min_length=1)
    timezone: Timezone = "UTC"
    formats: tuple[str, ...] = ()
    day_first: bool | None = None
    words: tuple[str, ...] = ()


class ReadingRule(Strict):
    """How the files are written, where detection cannot know. Empty: it finds out."""

    encoding: str = ""
    delimiter: str = ""
    quote: str = ""
    sheet: str = ""
    records: str = ""


class _YesRule(Strict):
    columns: tuple[str, ...] = Field(min_length=1)
    yes: tuple[str, ...] = ("yes", "true", "y", "1", "x", "t")

    @model_validator(mode="before")
    @classmethod
    def _take_yes_and_no_as_words(cls, said: Any) -> Any:
        """YAML 1.1 reads the bare keys ``yes`` and ``no`` as true and false."""
        words = {True: "yes", False: "no"}
        return {words.get(k, k): v for k, v in said.items()} if isinstance(said, dict) else said


class ConsentRule(_YesRule):
    """Columns that say whether a person may be contacted.

    Attributes:
        columns: Headers; each says it for itself, and one opt-out is enough.
        channel: What it is about.
        says: ``opt_out``: a yes means opted out. ``opt_in``: a no does.
        yes: What counts as a yes, in any case; ``*``: any text.
        no: What counts as a no. Blank says nothing; any other text counts as opted out.
    """

    channel: Literal["phone", "sms", "email"]
    says: Literal["opt_out", "opt_in"]
    no: tuple[str, ...] = ("no", "false", "n", "0", "f")


class DeletedRule(_YesRule):
    """Columns that say that the source deleted the record: such a row is a tombstone.

    Attributes:
        columns: Headers; all that the file has count, and one yes is enough.
        yes: What counts as deleted, in any case: words, or types of events such as
            ``contact.deletion``; ``*``: any text. Blank and all else say that it is not.
    """


def as_rule(value: Any) -> Any:
    """The short forms: one header, or a list of headers."""
    if isinstance(value, str):
        return {"columns": [value]}
    if isinstance(value, list):
        return {"columns": value}
    if isinstance(value, dict) and "column" in value:
        return {**{k: v for k, v in value.items() if k != "column"}, "columns": [value["column"]]}
    return value


Rule = Annotated[ColumnRule, BeforeValidator(as_rule)]
"""A rule, or one of its short forms."""
