"""Claims -> personas: which person each record is about."""

import polars as pl

from transforms.components import connected_components
from transforms.ids import derive_ids, time_part
from transforms.relations import Work, append, query, run
from transforms.work_tables import empty


def collect_claims(work: Work, claim_space: str) -> None:
    """List what identifies the person of each staged record; ``claim_space`` is its CRM ids'."""
    run(work, "collect_claims", claim_space=claim_space)


def resolve(work: Work, import_id: str) -> None:
    """Give every record its persona, and every claim its holder.

    A record follows the stored persona of its own lead, else of its best claim (CRM id, phone,
    email). Records without one cluster by the claims that they share; a cluster follows the best
    claim that it shares with a record that has a persona, else it becomes a new persona.

    Reads ``claims``, ``folded`` and ``stored_identities``. Makes ``assigned``,
    ``new_identities`` and ``taken_claims``. The ids of new personas come from the import's id
    and the cluster's smallest claim.
    """
    run(work, "drop_shared_claims")
    run(work, "find_anchors")
    run(work, "link_records")
    _cluster(work)
    run(work, "assign_personas")
    _name_new_personas(work, import_id)
    run(work, "hold_claims")


def _cluster(work: Work) -> None:
    """Make ``clusters``: the connected components of the records without an anchor."""
    links = query(work, "select left_no, right_no from links").to_numpy()
    loose = query(work, "select record_no from nodes anti join anchored using (record_no)")
    size = query(work, "select count(*) as size from nodes").item()
    labels = connected_components(size, links[:, 0], links[:, 1])
    clusters = loose.with_columns(cluster_no=pl.Series(labels[loose["record_no"].to_numpy()]))
    empty(work, "clusters")
    append(work, "clusters", clusters)


def _name_new_personas(work: Work, import_id: str) -> None:
    clusters = query(
        work,
        "select distinct cluster_no, md5($import_id || chr(31) || seed) as digest from assigned"
        " where persona_id is null",
        import_id=import_id,
    )
    ids = derive_ids("persona", time_part(import_id), clusters["digest"])
    work.register("named", clusters.select("cluster_no", persona_id=ids))
    work.execute(
        "update assigned set persona_id = named.persona_id from named"
        " where assigned.cluster_no = named.cluster_no and assigned.persona_id is null"
    ).fetchall()
    work.unregister("named")
