"""Records that have nothing in common with anybody: most of a first import, planned by themselves.

A lone record is of one row, nobody knows it, and nobody else states or holds what it claims. What
becomes of it depends on itself alone: a new lead, a new person who is what the row says, and who
holds all that it claims. So it needs none of the steps by which records find each other, and its
texts are written from where they were staged. What these steps would say of it is the same.
"""

from transforms.relations import Work, query, run


def set_lone_aside(work: Work) -> None:
    """Leave lone records out of ``nodes``, ``claims`` and ``merges``, from which all steps go on.

    Makes ``lone_records``, ``all_claims`` (the claims of all records).
    """
    run(work, "set_lone_aside")


def plan_lone(work: Work) -> None:
    """Make ``lone_leads``, ``lone_personas`` and ``lone_identities``, what is planned for them."""
    run(work, "plan_lone")


def count_lone(work: Work) -> int:
    """How many there are; as many new leads and new people."""
    return int(query(work, "select count(*) from lone_records").item())


def tell_lone(work: Work) -> None:
    """Add them to the tables from which people are told what changes."""
    run(work, "tell_lone")
