"""What a look at one thing found: for ``leadfold doctor``."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from flows.terminal import fault, visible


@dataclass(frozen=True)
class Finding:
    """One sentence about the state of something.

    Attributes:
        area: What was looked at: database, imports, files, settings, prefect, packages.
        status: ``ok``; ``warning``: it works, and somebody should see to it; ``wrong``: it does
            not work, or a promise does not hold.
        says: What was found.
        remedy: What to do about it; empty where all is well.
    """

    area: str
    status: Literal["ok", "warning", "wrong"]
    says: str
    remedy: str = ""

    def to_json(self) -> dict[str, str]:
        """For scripts."""
        return {
            "area": self.area,
            "status": self.status,
            "says": self.says,
            "remedy": self.remedy,
        }


Check = Callable[[], Iterator[Finding]]


def look(area: str, check: Check) -> Iterator[Finding]:
    """What a check finds. One that breaks off has found something, too."""
    try:
        yield from check()
    except Exception as error:
        says, _, remedy = fault(error).partition("\n")
        yield Finding(area, "wrong", says, remedy)


def join(names: list[str], most: int = 5) -> str:
    """Names in a sentence, no more than fit."""
    shown = ", ".join(visible(name) for name in names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown
