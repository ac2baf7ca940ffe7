"""What contracts of all kinds have in common: nothing in them is passed over in silence."""

import difflib
from collections.abc import Iterable
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.errors import ContractError


class Strict(BaseModel):
    """What has no other keys than those named, and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_yaml(text: str) -> Any:
    """What a YAML text says, read by libyaml: what is written in Python takes 0.1 s more a start.

    Raises:
        yaml.YAMLError: It is none.
    """
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:
        # This one shows the line, and names what is wrong in it.
        return yaml.safe_load(text)


def read_contract(text: str, origin: str) -> Any:
    """The same of a contract.

    Raises:
        ContractError: It is none; the message quotes the line.
    """
    try:
        return read_yaml(text)
    except yaml.YAMLError as error:
        raise ContractError(f"{origin}: not readable as YAML: {error}") from error


def tell_faults(error: ValidationError) -> str:
    """What is wrong with a contract, a line for each key: where it stands, what was expected."""
    return "\n".join(
        f"  {'.'.join(str(part) for part in fault['loc']) or '(whole file)'}: {fault['msg']}"
        for fault in error.errors()
    )


def hint_near(name: str, known: Iterable[str]) -> str:
    """``" Did you mean '..'?"``, if one of the names that there are is near; else nothing."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean '{near[0]}'?" if near else ""
