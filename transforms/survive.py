"""Leads -> the golden record of every persona that an import touches."""

from transforms.relations import Work, run


def survive(work: Work, source: str, import_id: str) -> None:
    """Compute golden records, field by field from the newest lead that states the field.

    Reads ``lead_changes`` and what Postgres holds of the touched personas. Makes ``golden``.
    """
    run(work, "survive", source=source, import_id=import_id)
