"""Source: how one provider's columns become our fields. One YAML file in ``sources`` adds one."""

import difflib
import re
import unicodedata
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator
from pydantic import model_validator as validates_model

from contracts.errors import ContractError, WrongCallError
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
        formats: For times: strptime formats beside ISO 8601.
    """

    columns: tuple[str, ...] = Field(min_length=1)
    timezone: str = "UTC"
    formats: tuple[str, ...] = ()


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
        region: Region (ISO 3166 alpha-2) of phones without ``+``, else the team's.
        recognised_by: Headers that only this provider's files have.
        columns: Our field -> the columns that fill it.
        required: Fields whose column must be there.
        ignore: Columns that are known and not wanted. All others are kept in ``fields``.
        blanks: Cell texts that mean 'nothing', compared without case.
    """

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    entity: Literal["person"] = "person"
    source_file: Literal["feed", "file"]
    trust: int = Field(default=0, ge=0, le=1000)
    id_space: str = Field(default="", pattern=r"^[a-z0-9_]*$")
    region: str = Field(default="", pattern=r"^([A-Z]{2})?$")
    recognised_by: tuple[str, ...] = ()
    columns: dict[str, Annotated[ColumnRule, BeforeValidator(_as_rule)]]
    required: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
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

    @validates_model(mode="after")
    def _is_complete(self) -> "Source":
        for name in self.required:
            if name not in self.columns:
                raise ValueError(f"required: '{name}' is not among the columns")
        if not any(name in self.columns for name in IDENTIFYING):
            raise ValueError(f"columns: one of {', '.join(IDENTIFYING)} must be there")
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


def parse_source(text: str, origin: str) -> Source:
    """Read one contract.

    Args:
        text: The YAML.
        origin: The file's name, for the message.

    Raises:
        ContractError: The YAML is broken or says what a contract cannot say; the message
            names the file, the key and what was expected.
    """
    try:
        return Source.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise ContractError(f"{origin}: not readable as YAML: {error}") from error
    except ValidationError as error:
        faults = [
            f"  {'.'.join(str(part) for part in fault['loc']) or '(whole file)'}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise ContractError(f"{origin} is not a source contract:\n" + "\n".join(faults)) from error


@cache
def load_sources() -> dict[str, Source]:
    """Every source by name, in alphabetical order.

    Raises:
        ContractError: A contract is wrong, or its name is not its file's name.
    """
    sources: dict[str, Source] = {}
    folder = resources.files("contracts") / "sources"
    for entry in sorted(folder.iterdir(), key=lambda file: file.name):
        if entry.name.endswith(".yaml"):
            origin = f"contracts/sources/{entry.name}"
            source = parse_source(entry.read_text(encoding="utf-8"), origin)
            if f"{source.name}.yaml" != entry.name:
                raise ContractError(f"{origin}: name is '{source.name}', the file says otherwise.")
            sources[source.name] = source
    return sources


def load_source(name: str) -> Source:
    """The source of that name.

    Raises:
        WrongCallError: There is none; the message names the nearest and all.
    """
    sources = load_sources()
    if name in sources:
        return sources[name]
    near = difflib.get_close_matches(name, sources, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise WrongCallError(f"Unknown source '{name}'.{hint} Sources: {', '.join(sources)}.")
