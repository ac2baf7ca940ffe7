"""One person -> several: how an unmerge deals out the leads, and what it makes of them."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

import polars as pl

from contracts.policy import Policy
from transforms.ids import derive_ids, time_part
from transforms.plan import Plan, make_undo_plan
from transforms.relations import Work, append, run
from transforms.undo import restate
from transforms.work_tables import empty

By = Literal["source", "lead"]


class PersonLead(NamedTuple):
    """One lead of a person who is to be taken apart.

    Attributes:
        lead_id: The lead.
        source_file: The logical file that states it.
        former_id: Whose it was before that one was merged into the person; empty: always his.
    """

    lead_id: str
    source_file: str
    former_id: str = ""


def deal_out(
    leads: Sequence[PersonLead], by: By | None = None, leaving: Collection[str] = ()
) -> list[list[PersonLead]]:
    """Deal the leads of a person out to several.

    Args:
        leads: All of them, the oldest first.
        by: Whether all leads of one source file stay together, or each lead is on its own.
        leaving: Instead, the leads that go together to a person of their own.

    Returns:
        The parts; the first stays who the person was, the others leave. It is the one that holds
        the oldest lead, or all that do not leave.
    """
    parts: dict[str, list[PersonLead]] = {}
    for lead in leads:
        if by is None:
            key = "leaves" if lead.lead_id in leaving else ""
        else:
            key = lead.source_file if by == "source" else lead.lead_id
        parts.setdefault(key, []).append(lead)
    stays = parts.pop("", None) if by is None else None
    return [*([stays] if stays else []), *parts.values()]


def name_parts(
    parts: Sequence[Sequence[PersonLead]], persona_id: str, import_id: str
) -> pl.DataFrame:
    """Who each lead belongs to from then on: ``lead_id`` and ``persona_id``.

    A part whose leads were all one other person's before, who was merged into this one, is that
    person again; others are new.
    """
    taken = {persona_id}
    rows = [(lead.lead_id, persona_id) for lead in parts[0]]
    for part in parts[1:]:
        former = {lead.former_id for lead in part}
        known = former.pop() if len(former) == 1 else ""
        if not known or known in taken:
            known = _new_id(import_id, part[0].lead_id)
        taken.add(known)
        rows += [(lead.lead_id, known) for lead in part]
    return pl.DataFrame(rows, {"lead_id": pl.String, "persona_id": pl.String}, orient="row")


def _new_id(import_id: str, lead_id: str) -> str:
    key = f"{import_id}\x1f{lead_id}".encode()
    digest = hashlib.md5(key, usedforsecurity=False).hexdigest()
    new_id: str = derive_ids("persona", time_part(import_id), pl.Series([digest])).item()
    return new_id


def split(
    work: Work,
    policy: Policy,
    parts: pl.DataFrame,
    *,
    judged_by: str,
    judged_at: datetime,
) -> Plan:
    """Take a person apart, and remember it.

    After ``transforms.resolve.resolve``, as ``transforms.undo.restate``.

    Args:
        work: The work database, with what Postgres holds about the person.
        policy: The team's.
        parts: Of ``name_parts``.
        judged_by: Who says so.
        judged_at: When.
    """
    empty(work, "parts")
    append(work, "parts", parts)
    append(work, "wanted_moves", parts)
    restate(work, policy)
    run(work, "change_macros")
    run(work, "judge_parts")
    run(work, "plan_judged_parts", judged_by=judged_by, judged_at=judged_at.isoformat())
    return make_undo_plan(work)
