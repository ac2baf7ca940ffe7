"""Claims -> their holders, and the links that were held back."""

from contracts.policy import Policy
from transforms.relations import Work, run


def say_claims(work: Work) -> None:
    """List what the people of the batch state, and what a guard found to be several people's.

    Reads ``claims``, ``assigned``, ``lead_changes`` and ``held``. Makes ``said_claims`` and
    ``divided``.
    """
    run(work, "say_claims")


def say_stored_claims(work: Work, policy: Policy) -> None:
    """The same of everybody whom Postgres knows, by what their leads say."""
    run(work, "say_stored_claims")
    for key in policy.match:
        if len(key) > 1:
            run(work, "say_composites", parts=list(key), kind="+".join(key))


def hold_claims(work: Work) -> None:
    """Decide who holds each claim from now on.

    Reads ``said_claims``, ``divided`` and what Postgres holds. Makes ``holdings`` and
    ``taken_claims``.
    """
    run(work, "hold_claims")


def pair_candidates(work: Work) -> None:
    """Tell which people may be one, and which values too many people share."""
    run(work, "pair_candidates")


def pair_evicted(work: Work) -> None:
    """Tell whom a policy that knows no shared values takes a value from, as candidates."""
    run(work, "pair_evicted")
