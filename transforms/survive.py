"""Leads -> the golden record of every persona that an import touches."""

from transforms.relations import Work, ask_value, list_stretches, run, settle


def survive(work: Work, *, of_all: bool = False) -> None:
    """Compute golden records, field by field by the rules of the policy.

    Reads ``lead_changes``, ``moved_leads``, ``holdings`` and what Postgres holds of the touched
    personas. Makes ``golden``, and ``field_ranks``: what was passed over for each value.

    Args:
        work: The work database.
        of_all: Whether all stored personas count as touched, not only those that the batch is
            about.
    """
    run(work, "find_touched")
    if of_all:
        run(work, "touch_all")
    run(work, "list_edits")
    make_golden(work)


def make_golden(work: Work) -> None:
    """The same where ``touched`` and ``edits`` are known already."""
    run(work, "gather_leads")
    run(work, "rank_fields")
    choose_winners(work)


def choose_winners(work: Work) -> None:
    """The same where ``persona_leads`` and ``field_ranks`` are made already."""
    settle(work)
    run(work, "gather_won")
    parts = len(list_stretches(ask_value(work, "select count(*) from touched")))
    for part in range(parts):
        run(work, "survive", part=part, parts=parts)
