"""What the statements of one import need to know beside the data, as tables."""

from typing import NamedTuple

import polars as pl

from contracts.people import GOLDEN
from contracts.policy import Policy
from transforms.ids import number_part
from transforms.relations import Work, append, query
from transforms.work_tables import empty


class Facts(NamedTuple):
    """What is true of all records of an import.

    Attributes:
        import_id: Its row in the ledger.
        source: Name of the contract.
        source_file: The logical file.
        claim_space: The kind of claim that its CRM ids are.
        is_webhook: Whether its rows are deliveries.
    """

    import_id: str
    source: str
    source_file: str
    claim_space: str
    is_webhook: bool = False


def note_facts(work: Work, facts: Facts, policy: Policy) -> None:
    """Fill ``facts``, ``match_keys`` and ``rules``."""
    empty(work, "facts")
    said = {
        **facts._asdict(),
        "id_part": number_part(facts.import_id),
        "lead_source": "webhook" if facts.is_webhook else "import",
        "shared_after": policy.shared_after,
        "is_vetoed": policy.guards.crm_ids,
        "on_duplicate": policy.on_duplicate,
        "on_missing": policy.on_missing,
    }
    append(work, "facts", pl.DataFrame([said]))
    empty(work, "match_keys")
    append(work, "match_keys", _list_match_keys(work, policy))
    empty(work, "rules")
    rules = [(field, policy.rule_of(field)) for field in GOLDEN]
    append(work, "rules", pl.DataFrame(rules, ["field", "rule"], orient="row"))


def _list_match_keys(work: Work, policy: Policy) -> pl.DataFrame:
    spaces = query(work, "select distinct claim_space from sources order by all")["claim_space"]
    keys: list[tuple[str, int | None, str, bool, bool]] = [
        (kind, priority, "+".join(key), _is_guarded(key, policy), not _is_guarded(key, policy))
        for priority, key in enumerate(policy.match, start=1)
        for kind in (spaces if key == ("crm_id",) else ["+".join(key)])
    ]
    matched = {kind for kind, *_ in keys}
    keys += [
        (kind, None, kind, False, False)
        for kind in (*spaces, "phone", "email")
        if kind not in matched
    ]
    columns = ["kind", "priority", "name", "is_guarded", "is_exclusive"]
    return pl.DataFrame(keys, columns, orient="row", infer_schema_length=None)


def _is_guarded(key: tuple[str, ...], policy: Policy) -> bool:
    """Whether people may share a value, and be told apart by name: a phone or email, but no id."""
    return key in (("phone",), ("email",)) and policy.is_guarded(key[0])
