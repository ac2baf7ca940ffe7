"""Which board a lead is put on: rules by team, as ``rules.yaml`` says them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from contracts.errors import ContractError
from contracts.people import TEXTS
from contracts.strict import Strict, hint_near, read_contract

RULE_FIELDS = ("source", "lead_source", *TEXTS)
"""What a rule may ask of a lead: its texts, the name of its source, and how it came
(``webhook``, ``import``)."""

ANY_TEXT = "*"
"""In the place of a value: any that is not blank."""

_FORM = "it must be 'boards:' and below that the name of each team."


def _as_values(said: Any) -> Any:
    """The short form: one value; and values that YAML reads as numbers or flags."""
    values = said if isinstance(said, list) else [said]
    return [_as_text(value) for value in values]


def _as_text(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, int) else value


Values = Annotated[tuple[str, ...], BeforeValidator(_as_values), Field(min_length=1)]


class BoardRule(Strict):
    """One rule.

    Attributes:
        board: The name of the board.
        when: Field -> values, compared without case. All fields must have one of theirs.
    """

    board: str = Field(min_length=1)
    when: dict[str, Values] = Field(min_length=1)

    @field_validator("when")
    @classmethod
    def _asks_for_fields(cls, when: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for name in when:
            if name not in RULE_FIELDS:
                hint = hint_near(name, RULE_FIELDS)
                raise ValueError(
                    f"'{name}' is no field of a lead.{hint} Fields: {', '.join(RULE_FIELDS)}"
                )
        return {name: tuple(fold(value) for value in values) for name, values in when.items()}

    def covers(self, other: "BoardRule") -> bool:
        """Whether it takes every lead that another rule takes."""
        return all(
            name in other.when and (ANY_TEXT in values or set(other.when[name]) <= set(values))
            for name, values in self.when.items()
        )


class BoardRules(Strict):
    """The rules of one team; of several that fit, the first counts.

    Attributes:
        rules: The rules, in order.
        default: The board of leads that no rule takes; empty: none.
        types: Board -> ``kanban`` or ``pipeline``; kanban where nothing is said.
    """

    rules: tuple[BoardRule, ...] = ()
    default: str = ""
    types: dict[str, Literal["kanban", "pipeline"]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_sound(self) -> "BoardRules":
        for number, rule in enumerate(self.rules, start=1):
            for earlier, other in enumerate(self.rules[: number - 1], start=1):
                if other.covers(rule):
                    raise ValueError(
                        f"rule {number} ('{rule.board}') is never reached: rule {earlier}"
                        f" ('{other.board}') takes all of its leads"
                    )
        for name in self.types:
            if name not in self.boards:
                raise ValueError(f"types: no rule puts anything on '{name}'")
        return self

    @property
    def boards(self) -> tuple[str, ...]:
        """The boards that the rules name, each once."""
        named = [*(rule.board for rule in self.rules), *filter(None, [self.default])]
        return tuple(dict.fromkeys(named))

    def rules_of(self, board: str) -> list[dict[str, Any]]:
        """What puts leads on a board, as its row in the table ``boards`` tells it."""
        told = [
            {name: list(values) for name, values in rule.when.items()}
            for rule in self.rules
            if rule.board == board
        ]
        return [*told, *([{}] if board == self.default else [])]


NO_RULES = BoardRules()


def fold(text: str) -> str:
    """The form in which values are compared; DuckDB makes the same of a lead's."""
    return text.strip().lower()


def parse_board_rules(text: str, origin: str = "rules.yaml") -> dict[str, BoardRules]:
    """Read a rules.yaml: name of the team, in small letters -> its rules.

    Raises:
        ContractError: The YAML is broken or says what no rule can say; the message names team, rule
            and field.
    """
    said = read_contract(text, origin)
    if said is None:
        return {}
    if not isinstance(said, Mapping) or list(said) != ["boards"]:
        raise ContractError(f"{origin}: {_FORM}")
    teams = said["boards"] or {}
    if not isinstance(teams, Mapping):
        raise ContractError(f"{origin}: {_FORM}")
    found: dict[str, BoardRules] = {}
    for team, rules in teams.items():
        try:
            found[fold(str(team))] = BoardRules.model_validate(rules)
        except ValidationError as error:
            faults = [
                f"  {team}: {_place(fault['loc'])}{fault['msg'].removeprefix('Value error, ')}"
                for fault in error.errors()
            ]
            raise ContractError(
                f"{origin}: these rules cannot be:\n" + "\n".join(faults)
            ) from error
    return found


def _place(loc: tuple[int | str, ...]) -> str:
    """Where a fault stands; rules are counted from 1."""
    parts = [
        f"rule {part + 1}" if isinstance(part, int) else part for part in loc if part != "rules"
    ]
    return f"{', '.join(parts)}: " if parts else ""
