"""Source: how one provider's columns become our fields."""

import difflib
import re
import unicodedata
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from contracts.people import FIELDS, IDENTIFYING


def header_key(header: str) -> str:
    """The form in which headers are compared: ``First_Name`` and ``first name`` are one."""
    folded = unicodedata.normalize("NFKC", header).casefold()
    return " ".join(re.findall(r"\w+", folded.replace("_", " ")))


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnRule(_Strict):
    """Which columns fill a field.

    Attributes:
        columns: Headers. A list field (phones, emails) takes all that the file has, in
            this order; any other takes the first that the file has.
        timezone: For times without an offset: the zone that they are in (IANA name).
        formats: For times: strptime formats, and nothing else is read.
        day_first: For times: whether 03/04 is the third of April; else the file's values decide.
    """

    columns: tuple[str, ...] = Field(min_length=1)
    timezone: str = "UTC"
    formats: tuple[str, ...] = ()
    day_first: bool | None = None


class ReadingRule(_Strict):
    """How the files are written, where detection cannot know. Empty: it finds out."""

    encoding: str = ""
    delimiter: str = ""
    quote: str = ""
    sheet: str = ""
    records: str = ""


class ConsentRule(_Strict):
    """Columns that say whether a person may be contacted.

    Attributes:
        columns: Headers; each says it for itself, and one opt-out is enough.
        channel: What it is about.
        says: ``opt_out``: a yes means opted out. ``opt_in``: a no does.
        yes: What counts as a yes, in any case; ``*``: any text.
        no: What counts as a no. Blank says nothing; any other text counts as opted out.
    """

    columns: tuple[str, ...] = Field(min_length=1)
    channel: Literal["phone", "sms", "email"]
    says: Literal["opt_out", "opt_in"]
    yes: tuple[str, ...] = ("yes", "true", "y", "1", "x", "t")
    no: tuple[str, ...] = ("no", "false", "n", "0", "f")

    @model_validator(mode="before")
    @classmethod
    def _take_yes_and_no_as_words(cls, said: Any) -> Any:
        """YAML 1.1 reads the bare keys ``yes`` and ``no`` as true and false."""
        words = {True: "yes", False: "no"}
        return {words.get(k, k): v for k, v in said.items()} if isinstance(said, dict) else said


def _as_rule(value: Any) -> Any:
    """The short forms: one header, or a list of headers."""
    if isinstance(value, str):
        return {"columns": [value]}
    if isinstance(value, list):
        return {"columns": value}
    if isinstance(value, dict) and "column" in value:
        return {**{k: v for k, v in value.items() if k != "column"}, "columns": [value["column"]]}
    return value


class Source(_Strict):
    """One provider's file layout.

    Attributes:
        name: What people call it; the name of its YAML file.
        entity: What a row is about.
        source_file: ``feed``: record ids stay stable from file to file (a CRM);
            ``file``: they mean something within one file only (a one-off list).
        trust: Breaks ties between sources, the higher the more trusted.
        id_space: The name space of ``crm_id``, part of the claim: ids of two CRMs never meet.
        id_form: ``salesforce``: ids of 15 and of 18 characters are one.
        region: Region (ISO 3166 alpha-2) of phones without ``+``, else the team's.
        recognised_by: Headers that only this provider's files have.
        reading: How the files are written.
        columns: Our field -> the columns that fill it.
        required: Fields whose column must be there.
        record_id_from: Headers from which a row without a record id gets one; else from all.
        ignore: Columns that are known and not wanted. All others are kept in ``fields``.
        consent: Columns that say whether a person may be contacted.
        prefixes: Marks that the provider puts in front of cells (``p:``), taken off.
        area_code: Headers of the area code of phones that are written without one.
        refuse_disposable: Whether addresses of throw-away mail services are left out.
        test_rows: How cells of the provider's test leads begin; such a row is a reject.
        blanks: Cell texts that mean 'nothing', compared without case.
    """

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    entity: Literal["person"] = "person"
    source_file: Literal["feed", "file"]
    trust: int = Field(default=0, ge=0, le=1000)
    id_space: str = Field(default="", pattern=r"^[a-z0-9_]*$")
    id_form: Literal["", "salesforce"] = ""
    region: str = Field(default="", pattern=r"^([A-Z]{2})?$")
    recognised_by: tuple[str, ...] = ()
    reading: ReadingRule = ReadingRule()
    columns: dict[str, Annotated[ColumnRule, BeforeValidator(_as_rule)]]
    required: tuple[str, ...] = ()
    record_id_from: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    consent: tuple[ConsentRule, ...] = ()
    prefixes: tuple[str, ...] = ()
    area_code: tuple[str, ...] = ()
    refuse_disposable: bool = False
    test_rows: tuple[str, ...] = ()
    blanks: tuple[str, ...] = ("", "-", "n/a", "na", "nan", "none", "null", "#n/a", "#ref!")

    @field_validator("columns")
    @classmethod
    def _names_known_fields(cls, columns: dict[str, ColumnRule]) -> dict[str, ColumnRule]:
        for name in columns:
            if name not in FIELDS:
                near = difflib.get_close_matches(name, FIELDS, n=1)
                hint = f" Did you mean '{near[0]}'?" if near else ""
                raise ValueError(
                    f"'{name}' is not a field of ours.{hint} Fields: {', '.join(FIELDS)}"
                )
        return columns

    @model_validator(mode="after")
    def _is_complete(self) -> "Source":
        for name in self.required:
            if name not in self.columns:
                raise ValueError(f"required: '{name}' is not among the columns")
        if not any(name in self.columns for name in IDENTIFYING):
            raise ValueError(f"columns: one of {', '.join(IDENTIFYING)} must be there")
        if self.claim_space in ("phone", "email"):
            raise ValueError(f"id_space: '{self.claim_space}' is the name of another kind of claim")
        taken: dict[str, str] = {}
        for name, rule in self.columns.items():
            for column in rule.columns:
                other = taken.setdefault(header_key(column), name)
                # A CRM's record id is both the record's key and a claim of the person.
                if other != name and {other, name} != {"source_record_id", "crm_id"}:
                    raise ValueError(f"columns: '{column}' fills both '{other}' and '{name}'")
        return self

    @property
    def claim_space(self) -> str:
        """The claim kind of ``crm_id``."""
        return self.id_space or self.name

    @property
    def known_headers(self) -> frozenset[str]:
        """Every header that the contract names, as it is written there."""
        named = {column for rule in self.columns.values() for column in rule.columns}
        named |= {column for rule in self.consent for column in rule.columns}
        named |= {*self.recognised_by, *self.ignore, *self.record_id_from, *self.area_code}
        return frozenset(named)
