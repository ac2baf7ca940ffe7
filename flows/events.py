"""What may happen to a persona, as its history tells it."""

from dataclasses import dataclass
from datetime import datetime

BY_HAND = "by hand"


@dataclass(frozen=True)
class FieldChange:
    """A field before and after; ``rule``, ``source`` and the record are those that decided."""

    field: str
    before: str | None
    after: str | None
    rule: str | None = None
    source: str | None = None
    source_record_id: str | None = None


@dataclass(frozen=True)
class Record:
    """A record that an import stated.

    Attributes:
        conversation_url: Where its chat is read; None: there is none, or no template is set.
    """

    lead_id: str
    source: str
    source_record_id: str
    line_no: int | None
    conversation_id: str | None
    conversation_url: str | None


@dataclass(frozen=True)
class Event:
    """One thing that happened to a persona.

    Attributes:
        what: created, update, merge, split, end, revive, remove, restore; stated (a record came
            that changed nothing of the person); edited (by hand); candidate (noted that two may be
            one); judged; moved (records went to or came from another persona); undone.
        at: When; of an import, when it was done.
        commit_no: Of an import, which of the team's it was.
        persona_id: About whom; who was merged keeps the id of before.
        by: Who started the import, judged, or ``by hand``.
        says: In words.
        undone_by: The import that took it back.
    """

    what: str
    at: datetime | None
    persona_id: str
    by: str
    says: str
    commit_no: int | None = None
    import_id: str | None = None
    file_name: str | None = None
    cause: str | None = None
    undone_by: str | None = None
    changes: tuple[FieldChange, ...] = ()
    records: tuple[Record, ...] = ()
