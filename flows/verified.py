"""What is found of one unique key."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Verified:
    """What was found of one key.

    Attributes:
        table: The table.
        columns: The key.
        index: The unique index that is to hold it.
        is_there: Whether there is such an index, and it is unique.
        is_valid: Whether Postgres keeps to it.
        refuses_duplicates: Whether a second row of the values is refused; None: that could not be
            tried.
        allows_other_teams: Whether another team may have the same values; of a key that teams share
            it may not, and that is right.
        allows_other_values: Whether the team may have a row of other values.
        duplicates: Rows beyond the first of their key, in all teams.
        fault: Why it could not be tried; empty: it was.
        is_adopted: Whether it is a key of an application's own table, of which we do not know what
            its teams are.
    """

    table: str
    columns: tuple[str, ...]
    index: str
    is_there: bool = False
    is_valid: bool = False
    refuses_duplicates: bool | None = None
    allows_other_teams: bool | None = None
    allows_other_values: bool | None = None
    duplicates: int = 0
    fault: str = ""
    is_adopted: bool = False

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong."""
        if self.is_adopted:
            is_refused = self.refuses_duplicates is not False
            return self.is_valid and is_refused and self.duplicates == 0 and not self.fault
        return (
            self.is_there
            and self.is_valid
            and self.refuses_duplicates is True
            and self.allows_other_teams == ("team_id" in self.columns)
            and self.allows_other_values is True
            and self.duplicates == 0
        )

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        return {**asdict(self), "is_well": self.is_well}
