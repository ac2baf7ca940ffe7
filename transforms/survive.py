"""Leads -> the golden record of every persona that an import touches."""

from transforms.relations import Work, run


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
    run(work, "survive")
