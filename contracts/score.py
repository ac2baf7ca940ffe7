"""Score: how much a person is worth looking at, as a policy declares it."""

from pydantic import Field, field_validator

from contracts.people import GOLDEN
from contracts.strict import Strict, hint_near


class Score(Strict):
    """Points of a person; the sum is ``total_score`` of the person's card.

    Attributes:
        has: Golden field -> points for whoever has it.
        source: Source -> points for whoever has a live record of it; each source counts once.
        status: Status -> points, by the record of the newest time that has a status; compared
            without case.
        recent: Days -> points for whoever something last happened to within so many; of several
            the shortest counts. By the time of the import that computes it.
    """

    has: dict[str, float] = Field(default_factory=dict)
    source: dict[str, float] = Field(default_factory=dict)
    status: dict[str, float] = Field(default_factory=dict)
    recent: dict[int, float] = Field(default_factory=dict)

    @field_validator("has")
    @classmethod
    def _names_golden_fields(cls, has: dict[str, float]) -> dict[str, float]:
        for name in has:
            if name not in GOLDEN:
                hint = hint_near(name, GOLDEN)
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
