"""Score: how much a person is worth looking at, as a policy declares it."""

import difflib

from pydantic import BaseModel, ConfigDict, Field, field_validator

from contracts.people import GOLDEN


class Score(BaseModel):
    """Points of a person; the sum is ``total_score`` of the person's card.

    Attributes:
        has: Golden field -> points for whoever has it.
        source: Source -> points for whoever has a live record of it; each source counts once.
        status: Status -> points, by the record of the newest time that has a status; compared
            without case.
        recent: Days -> points for whoever something last happened to within so many; of several
            the shortest counts. By the time of the import that computes it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    has: dict[str, float] = {}
    source: dict[str, float] = {}
    status: dict[str, float] = {}
    recent: dict[int, float] = Field(default={})

    @field_validator("has")
    @classmethod
    def _names_golden_fields(cls, has: dict[str, float]) -> dict[str, float]:
        for name in has:
            if name not in GOLDEN:
                near = difflib.get_close_matches(name, GOLDEN, n=1)
                hint = f" Did you mean '{near[0]}'?" if near else ""
                raise ValueError(f"'{name}' is no golden field.{hint} Fields: {', '.join(GOLDEN)}")
        return has

    @field_validator("recent")
    @classmethod
    def _counts_days(cls, recent: dict[int, float]) -> dict[int, float]:
        for days in recent:
            if days < 1:
                raise ValueError(f"{days} days: it must be one at least")
        return recent

    @field_validator("status")
    @classmethod
    def _folds_words(cls, status: dict[str, float]) -> dict[str, float]:
        return {word.strip().casefold(): points for word, points in status.items()}
