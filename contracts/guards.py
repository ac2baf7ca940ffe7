"""Why a plan holds something back or changes it: every reason, with its plain sentence."""

GUARDS: dict[str, str] = {
    "name": "their first names contradict.",
    "suffix": "their suffixes contradict, as Jr and Sr do.",
    "crm_id": "each has a CRM id of its own, and the team's policy takes those for two people.",
    "judgement": "somebody has judged that they are not the same person.",
    "ambiguous": "several people fit, and nothing tells which of them it is.",
    "bridge": "both are in the database already, and only a person merges those.",
}
"""By guard, what follows "Ann Lee and Bob Lee share the phone +14155552671: "."""

SHARED_VALUE = "shared_value"
"""The guard that holds a value back, not a pair of people: too many state it."""

REASONS: dict[str, str] = {
    SHARED_VALUE: "people state it, so it identifies none of them, as an office line does not.",
    "claim_taken": "already has this, so it was not moved.",
    "merged": "and this are one person; the older of the two stays.",
    "moved": "The record goes to the person into whom its own is merged.",
    "deleted": "The source has deleted the record.",
    "vanished": "The snapshot no longer has the record.",
    "ended": "No source has the person any more; what is known is kept.",
    "revived": "A source has the person again.",
    "skipped": "The person is known, and the team's policy leaves known people as they are.",
    "shared_now": "Several people state it, so it identifies none of them.",
    "own_now": "It identifies this person alone.",
    "let_go": "The person no longer holds it.",
    "undone": "Only what is undone had stated it.",
    "opt_out_withdrawn": "It came with what is undone.",
    "opt_out": "The file says so; no import takes an opt-out back.",
}
"""By reason, the sentence; of the first three what follows a number or a name."""

WORDS: dict[str, str] = {
    "name": "first names contradict",
    "suffix": "suffixes contradict",
    "crm_id": "different CRM ids",
    "judgement": "judged not the same",
    "ambiguous": "several people fit",
    "bridge": "both known before",
    SHARED_VALUE: "shared by too many",
    "claim_taken": "held by somebody else",
}
"""By guard, what a count of them is called."""
