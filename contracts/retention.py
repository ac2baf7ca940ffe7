"""Retention: how many days each kind of data is kept."""

from importlib import resources
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.errors import ContractError
from contracts.strict import read_contract


class Retention(BaseModel):
    """Days by kind of data; null keeps it for ever.

    Attributes:
        landed: Files as they came.
        archived: Files of the drop folder that were imported.
        quarantined: Files that could not be read.
        plans: Plans that were written to files.
        versions: Earlier statements and states, which undo and history read.
        issues: The text of rejected rows and damaged cells.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    landed: int | None = Field(default=None, ge=1, strict=True)
    archived: int | None = Field(default=None, ge=1, strict=True)
    quarantined: int | None = Field(default=None, ge=1, strict=True)
    plans: int | None = Field(default=None, ge=1, strict=True)
    versions: int | None = Field(default=None, ge=1, strict=True)
    issues: int | None = Field(default=None, ge=1, strict=True)


def load_retention(own: str = "", origin: str = "retention.yaml") -> Retention:
    """The retention that Leadfold comes with, with what a file of one's own says instead.

    Args:
        own: The YAML of that file; empty: there is none.
        origin: Its name, for the message.

    Raises:
        ContractError: The YAML is broken, or says what a retention cannot say.
    """
    ours = (resources.files("contracts") / "retention.yaml").read_text(encoding="utf-8")
    said = _read(ours, "contracts/retention.yaml")
    return _validate({**said, **_read(own, origin)}, origin)


def _read(text: str, origin: str) -> dict[str, Any]:
    said = read_contract(text, origin)
    if not isinstance(said or {}, dict):
        raise ContractError(f"{origin}: it must name kinds and their days, such as 'landed: 30'.")
    return said or {}


def _validate(said: dict[str, Any], origin: str) -> Retention:
    try:
        return Retention.model_validate(said)
    except ValidationError as error:
        kinds = ", ".join(Retention.model_fields)
        faults = [f"  {fault['loc'][0]}: {fault['msg']}" for fault in error.errors()]
        raise ContractError(
            f"{origin} is no retention: days are whole numbers from 1, or null, by kind"
            f" ({kinds}).\n" + "\n".join(faults)
        ) from error
