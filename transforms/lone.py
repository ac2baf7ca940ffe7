"""Records that have nothing in common with anybody: most of a first import, planned by themselves.

A lone record is of one row, nobody knows it, and nobody else states or holds what it claims. What
becomes of it depends on itself alone: a new lead, a new person who is what the row says, and who
holds all that it claims. So it needs none of the steps by which records find each other, and its
texts are written from where they were staged. What these steps would say of it is the same.
"""

from transforms.relations import Work, ask_value, list_stretches, run
from transforms.work_tables import empty

FEW_RECORDS = 1_000
"""Of so few, all steps take less time than to look for lone ones."""

_PLANNED = {"leads": "*", "personas": "* exclude (line_no)", "identities": "*"}


def set_lone_aside(work: Work) -> None:
    """Leave lone records out of ``nodes``, ``claims`` and ``merges``, from which all steps go on.

    Makes ``lone_records``, ``all_claims`` (the claims of all records), and ``lone_leads`` and
    ``lone_personas``, what is planned for them: the rules of the team's boards are noted before.
    """
    if ask_value(work, "select count(*) from nodes") > FEW_RECORDS:
        run(work, "set_lone_aside")
    else:
        empty(work, "lone_records")
    if count_lone(work):
        run(work, "plan_lone")


def count_lone(work: Work) -> int:
    """How many there are; as many new leads and new people."""
    return int(ask_value(work, "select count(*) from lone_records"))


def hold_lone_claims(work: Work) -> None:
    """Make ``lone_identities``: what lone people hold."""
    if not count_lone(work):
        return
    empty(work, "lone_identities")
    records = 1 + ask_value(work, "select max(record_no) from lone_records")
    for first, last in list_stretches(records):
        run(work, "plan_lone_claims", first=first, last=last)


def add_lone(work: Work, name: str) -> None:
    """Make ``plan_<name>`` of what is planned for those who met somebody and for the others."""
    others = f" union all by name select {_PLANNED[name]} from lone_{name}"  # noqa: S608
    work.execute(
        f"create or replace view plan_{name} as from met_{name}"
        + (others if count_lone(work) else "")
    ).fetchall()


def tell_lone(work: Work) -> None:
    """Add them to the tables from which people are told what changes."""
    if count_lone(work):
        run(work, "tell_lone")
