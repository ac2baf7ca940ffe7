"""Policy: by what a team's people are known, what keeps them apart, and which value survives."""

from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    field_validator,
    model_validator,
)

from contracts.people import GOLDEN
from contracts.score import Score
from contracts.strict import Strict, hint_near

SINGLE_KEYS = ("crm_id", "phone", "email")
"""What identifies a person by itself."""

KEY_PARTS = (*SINGLE_KEYS, "device_id", "user_id", "niche", "product")
"""What a composite key may be made of."""

LIST_FIELDS = ("tags",)
"""Golden fields that are lists."""

SURVIVING = tuple(dict.fromkeys((*GOLDEN, "profile_name", *LIST_FIELDS)))
"""Fields of the golden record that may have a rule of their own."""

Rule = Literal["newest", "oldest", "fill", "trusted", "longest", "max", "union"]
"""Which of a persona's leads gives the golden value of a field.

``newest``, ``oldest``: by the clock. ``fill``: the first that stated it, for as long as it does.
``trusted``: the source of the highest trust. ``longest``: the longest text. ``max``: the greatest.
``union``: all of them, for lists.
"""


class Guards(Strict):
    """What keeps people apart who share a claim.

    Attributes:
        names: First names that contradict.
        suffixes: Suffixes that contradict: Jr and Sr.
        crm_ids: Two different ids of one CRM are never one person.
        likeness: From which Jaro-Winkler similarity on two names are one, 0 to 1.
    """

    names: bool = Field(default=True, strict=True)
    suffixes: bool = Field(default=True, strict=True)
    crm_ids: bool = Field(default=False, strict=True)
    likeness: float = Field(default=0.8, ge=0, le=1, strict=True)


def _as_keys(value: Any) -> Any:
    """The short form: the name of a single key stands for a key of that one part."""
    if isinstance(value, list | tuple):
        return [[key] if isinstance(key, str) else key for key in value]
    return value


class Policy(Strict):
    """How one team's people are told apart and put together.

    Attributes:
        name: What people call it; the name of its YAML file.
        description: What it is for, in a sentence.
        match: Keys that identify a person, the strongest first: one of ``SINGLE_KEYS``, or a
            composite of two parts and more.
        shared_after: How many people may state one value; of more, it identifies none.
        exclusive: Keys of which each value has one persona, whatever the names say.
        guards: What keeps people apart who share a claim.
        merge: Whether two stored personas that turn out to be one are merged or reviewed.
        on_duplicate: What a statement does to a person that is there.
        on_missing: What becomes of a person that is not there yet.
        survive: Golden field, or ``default`` -> its rule.
        score: What makes the score on a person's card; None: there are no cards by themselves.
        max_delete_rate: Share of a feed's records that one file may end before it is held.
        max_reject_rate: Share of a file's rows that may be rejected before it is held; fewer than
            ten are never too many.
    """

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    description: str = ""
    match: Annotated[tuple[tuple[str, ...], ...], BeforeValidator(_as_keys)] = Field(
        default=(("crm_id",), ("phone",), ("email",)), min_length=1
    )
    shared_after: int = Field(default=3, ge=1, strict=True)
    exclusive: tuple[Literal["phone", "email"], ...] = ()
    guards: Guards = Guards()
    merge: Literal["review", "auto"] = "review"
    on_duplicate: Literal["update", "skip"] = "update"
    on_missing: Literal["create", "reject"] = "create"
    survive: dict[str, Rule] = Field(default={}, validate_default=True)
    score: Score | None = None
    max_delete_rate: float = Field(default=0.1, ge=0, le=1, strict=True)
    max_reject_rate: float = Field(default=0.05, ge=0, le=1, strict=True)

    @field_validator("match")
    @classmethod
    def _has_keys_that_identify(cls, match: tuple[tuple[str, ...], ...]) -> Any:
        seen: set[frozenset[str]] = set()
        for key in match:
            for part in key:
                if part not in KEY_PARTS:
                    raise ValueError(_unknown(part, "part of a key", KEY_PARTS))
            if len(key) < 2 and key not in {(name,) for name in SINGLE_KEYS}:
                raise ValueError(
                    f"{list(key)}: a key of one part is {', '.join(SINGLE_KEYS)}; a composite has"
                    " two parts and more"
                )
            if len(set(key)) < len(key) or frozenset(key) in seen:
                raise ValueError(f"'{'+'.join(key)}' says something twice")
            seen.add(frozenset(key))
        return match

    @field_validator("survive")
    @classmethod
    def _has_rules_that_fit(cls, survive: dict[str, Rule]) -> dict[str, Rule]:
        for name, rule in survive.items():
            if name != "default" and name not in SURVIVING:
                raise ValueError(_unknown(name, "golden field", ("default", *SURVIVING)))
            is_list = name in LIST_FIELDS
            if is_list and rule not in ("newest", "union"):
                raise ValueError(f"'{name}' is a list: its rule is newest or union, not {rule}")
            if not is_list and rule == "union":
                raise ValueError(f"'{name}': union is for lists only ({', '.join(LIST_FIELDS)})")
        # Whole, so that what is stored of it says everything.
        stated: dict[str, Rule] = {"default": "newest", **dict.fromkeys(LIST_FIELDS, "union")}
        return {**stated, **survive}

    @model_validator(mode="after")
    def _is_sound(self) -> "Policy":
        for name in self.exclusive:
            if (name,) not in self.match:
                raise ValueError(f"exclusive: '{name}' is no match key by itself")
        if len(set(self.exclusive)) < len(self.exclusive):
            raise ValueError("exclusive: a key stands there twice")
        return self

    @property
    def kinds(self) -> tuple[str, ...]:
        """The claim kind of each match key, in order; ``crm_id`` stands for a CRM's name space."""
        return tuple("+".join(key) for key in self.match)

    def is_guarded(self, kind: str) -> bool:
        """Whether names and the number of people keep claims of this kind from identifying."""
        return kind not in self.exclusive

    def rule_of(self, field: str) -> Rule:
        """The rule by which a golden field survives."""
        return self.survive.get(field, self.survive["default"])

    def agrees_with(self, other: "Policy") -> bool:
        """Whether both do the same; a description does nothing."""
        return self.model_copy(update={"description": other.description}) == other


def _unknown(name: str, thing: str, known: tuple[str, ...]) -> str:
    hint = hint_near(name, known)
    return f"'{name}' is no {thing}.{hint} There are: {', '.join(known)}"
