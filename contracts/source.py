"""Source: how one provider's columns become our fields."""

import re
import unicodedata
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    field_validator,
    model_validator,
)

from contracts.people import FIELDS, IDENTIFYING
from contracts.source_rules import (
    ColumnRule,
    ConsentRule,
    DeletedRule,
    ReadingRule,
    Rule,
    Timezone,
    as_rule,
)
from contracts.strict import Strict, hint_near

FILE_TIME_PARTS = {
    "Y": r"[12]\d{3}", "y": r"\d{2}", "j": r"(?:36[0-6]|3[0-5]\d|[0-2]\d{2})",
    "m": r"(?:1[0-2]|0[1-9])", "d": r"(?:3[01]|[12]\d|0[1-9])", "b": "[a-z]{3}", "B": "[a-z]{3,9}",
    "H": r"(?:2[0-3]|[01]\d)", "I": r"(?:1[0-2]|0[1-9])", "p": "[ap]m", "M": r"[0-5]\d",
    "S": r"[0-5]\d", "f": r"\d{1,6}", "%": "%",
}  # fmt: skip
"""What ``file_time`` may be made of: strptime's letters, each with what it stands for in a name."""


def header_key(header: str) -> str:
    """The form in which headers are compared: ``First_Name`` and ``first name`` are one."""
    folded = unicodedata.normalize("NFKC", header).casefold()
    return " ".join(re.findall(r"\w+", folded.replace("_", " ")))


PERSON = "person"
"""The entity of a source whose rows are about people."""


class Source(Strict):
    """One provider's file layout.

    Attributes:
        name: What people call it; the name of its YAML file.
        entity: What a row is about, and counts by: a person, or a row of a keyed table.
        tables: Keyed table (``contracts/tables``) -> its column -> the columns that fill it. A row
            may fill several. Of a ``json`` column ``*`` is the whole row.
        people: ``stated``: what a row says of a person makes a lead. ``referred``: it only names
            somebody, who gets a lead if nobody is known by that.
        source_file: ``feed``: record ids stay stable from file to file (a CRM);
            ``file``: they mean something within one file only (a one-off list).
        integration: The integration by which the files come, of a ``feed``: all that name one are
            one logical file, whose records are the same whichever of them states them.
        mode: ``delta``: a file says what changed, and a record that it lacks is as it was.
            ``snapshot``: each file is the full state of its feed.
        file_time: A strptime pattern that is looked for in the file's name, such as
            ``contacts_%Y%m%d``: the clock of rows that have none of their own. With it, a file
            whose name has no such time is held.
        file_timezone: The zone of the times in the names.
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
        is_webhook: Whether rows are deliveries of a webhook, told so in a lead's activities.
        deleted: Columns that say that the record was deleted.
        prefixes: Marks that the provider puts in front of cells (``p:``), taken off.
        area_code: Headers of the area code of phones that are written without one.
        refuse_disposable: Whether addresses of throw-away mail services are left out.
        test_rows: How cells of the provider's test leads begin; such a row is a reject.
        blanks: Cell texts that mean 'nothing', compared without case: they say nothing of a field.
        clear: Cell texts that empty a stored field, compared as ``blanks``. Ids and times cannot
            be emptied, there they are blanks; what no field names is kept as written.
    """

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    entity: str = PERSON
    source_file: Literal["feed", "file"]
    integration: str = Field(default="", pattern=r"^[a-z0-9_]*$")
    mode: Literal["delta", "snapshot"] = "delta"
    file_time: str = ""
    file_timezone: Timezone = "UTC"
    is_webhook: bool = False
    trust: int = Field(default=0, ge=0, le=1000)
    id_space: str = Field(default="", pattern=r"^[a-z0-9_]*$")
    id_form: Literal["", "salesforce"] = ""
    region: str = Field(default="", pattern=r"^([A-Z]{2})?$")
    recognised_by: tuple[str, ...] = ()
    reading: ReadingRule = ReadingRule()
    columns: dict[str, Rule] = Field(default_factory=dict)
    tables: dict[str, dict[str, Rule]] = Field(default_factory=dict)
    people: Literal["stated", "referred"] = "stated"
    required: tuple[str, ...] = ()
    record_id_from: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    consent: tuple[ConsentRule, ...] = ()
    deleted: Annotated[DeletedRule | None, BeforeValidator(as_rule)] = None
    prefixes: tuple[str, ...] = ()
    area_code: tuple[str, ...] = ()
    refuse_disposable: bool = False
    test_rows: tuple[str, ...] = ()
    blanks: tuple[str, ...] = ("", "-", "n/a", "na", "nan", "none", "null", "#n/a", "#ref!")
    clear: tuple[str, ...] = ()

    @field_validator("columns")
    @classmethod
    def _names_known_fields(cls, columns: dict[str, ColumnRule]) -> dict[str, ColumnRule]:
        for name in columns:
            if name not in FIELDS:
                hint = hint_near(name, FIELDS)
                raise ValueError(
                    f"'{name}' is not a field of ours.{hint} Fields: {', '.join(FIELDS)}"
                )
            if columns[name].words and FIELDS[name].kind != "text":
                raise ValueError(f"'{name}' is no text, so it has no words to choose from")
        return columns

    @field_validator("file_time")
    @classmethod
    def _tells_a_time(cls, file_time: str) -> str:
        letters = re.findall(r"%(.?)", file_time)
        unknown = [letter for letter in letters if letter not in FILE_TIME_PARTS]
        if unknown:
            known = " ".join(f"%{letter}" for letter in FILE_TIME_PARTS)
            raise ValueError(f"'%{unknown[0]}' cannot be read in a name; there are {known}")
        if file_time and not {"Y", "y"} & set(letters):
            raise ValueError("a time needs its year (%Y)")
        if len(set(letters) - {"%"}) < sum(letter != "%" for letter in letters):
            raise ValueError("a part of the time stands there twice")
        return file_time

    @model_validator(mode="after")
    def _is_complete(self) -> "Source":
        for name in self.required:
            if name not in self.columns:
                raise ValueError(f"required: '{name}' is not among the columns")
        if self.entity != PERSON and self.entity not in self.tables:
            raise ValueError(f"entity: '{self.entity}' is not among the tables")
        if self.is_about_people and not any(name in self.columns for name in IDENTIFYING):
            raise ValueError(f"columns: one of {', '.join(IDENTIFYING)} must be there")
        if self.mode == "snapshot" and not self.is_about_people:
            raise ValueError("mode: only of people a file can be the full state")
        if self.integration and (self.source_file != "feed" or self.mode == "snapshot"):
            raise ValueError(
                "integration: several contracts may name it, so no file is its full state, and"
                " record ids must be stable: source_file is feed, and mode delta"
            )
        if self.mode == "snapshot" and self.source_file != "feed":
            raise ValueError("mode: a snapshot is the state of a feed, so source_file must be feed")
        if self.mode == "snapshot" and "source_record_id" not in self.required:
            raise ValueError(
                "mode: in a snapshot a record that is not there is missing, so records need real"
                " ids: put source_record_id among the required"
            )
        if self.claim_space in ("phone", "email", "record"):
            raise ValueError(f"id_space: '{self.claim_space}' is the name of another kind of claim")
        blanks = {blank.strip().lower() for blank in ("", *self.blanks)}
        for token in self.clear:
            if token.strip().lower() in blanks:
                raise ValueError(
                    f"clear: '{token}' is a blank, which says nothing and so empties no field"
                )
        taken: dict[str, str] = {}
        for name, rule in self.columns.items():
            for column in rule.columns:
                other = taken.setdefault(header_key(column), name)
                # A CRM's record id is both the record's key and a claim of the person.
                if other != name and {other, name} != {"source_record_id", "crm_id"}:
                    raise ValueError(f"columns: '{column}' fills both '{other}' and '{name}'")
        return self

    @property
    def is_about_people(self) -> bool:
        """Whether a row that names nobody is no row."""
        return self.entity == PERSON

    @property
    def is_of_table(self) -> bool:
        """Whether its columns are those of a keyed table (``contracts.table_sources``)."""
        return self.name == self.entity

    def logical_file(self, file_name: str) -> str:
        """The feed where record ids are stable from file to file, else this one file."""
        if self.integration:
            return f"integration:{self.integration}"
        return f"{self.name}/{'default' if self.source_file == 'feed' else file_name}"

    @property
    def claim_space(self) -> str:
        """The claim kind of ``crm_id``."""
        return self.id_space or self.name

    @property
    def valueless(self) -> tuple[str, ...]:
        """Cell texts that are no values: the blanks, and what empties a field."""
        return (*self.blanks, *self.clear)

    @property
    def known_headers(self) -> frozenset[str]:
        """Every header that the contract names, as it is written there."""
        named = {column for rule in self.columns.values() for column in rule.columns}
        named |= {column for rule in self.consent for column in rule.columns}
        for fills in self.tables.values():
            named |= {column for rule in fills.values() for column in rule.columns}
        named |= set(self.deleted.columns if self.deleted else ())
        named |= {*self.recognised_by, *self.ignore, *self.record_id_from, *self.area_code}
        return frozenset(named)
