"""What contracts of all kinds have in common: nothing in them is passed over in silence."""

import difflib
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """What has no other keys than those named, and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def hint_near(name: str, known: Iterable[str]) -> str:
    """``" Did you mean '..'?"``, if one of the names that there are is near; else nothing."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean '{near[0]}'?" if near else ""
