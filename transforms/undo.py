"""What holds once the statements of an import count no more, or count again."""

import polars as pl

from contracts.policy import Policy
from transforms.components import connected_components
from transforms.dedupe import fold_fields
from transforms.holding import say_stored_claims
from transforms.normalize import compare_emails
from transforms.relations import Work, append, ask_value, execute, query, run, statement
from transforms.survive import make_golden
from transforms.work_tables import empty


def list_affected(work: Work, policy: Policy) -> pl.DataFrame:
    """The claims (``kind``, ``value``) of all whom an undo touches: others may get them.

    Reads ``stored_leads`` and ``statements``. Makes ``affected_claims``.
    """
    say_stored_claims(work, policy)
    run(work, "say_statements")
    run(work, "list_affected")
    return query(work, "from affected_claims order by all")


def restate(work: Work, policy: Policy) -> None:
    """Fold leads and people from what is still said of them.

    Reads ``statements``, ``repeats``, the logs of the import that is undone, and what Postgres
    holds, after ``transforms.resolve.resolve``. Turns ``stored_leads`` into what they will be;
    what they were is ``former_leads``. Makes ``holdings``, ``golden``, ``removed_personas`` and
    ``plan_merge_candidates``.
    """
    _fold_remaining(work)
    run(work, "restate_leads")
    run(work, "leave_personas")
    run(work, "touch_all")
    run(work, "list_edits")
    run(work, "restore_edits")
    _key_edited_emails(work)
    say_stored_claims(work, policy)
    run(work, "say_edited")
    run(work, "list_split_claims")
    run(work, "hold_remaining")
    make_golden(work)
    run(work, "withdraw_candidates")


def _fold_remaining(work: Work) -> None:
    """Make ``folded_leads``: what the statements that still count make of each lead."""
    run(work, "list_remaining")
    _fold_upto(work)
    execute(work, "create or replace table folded_leads as from folded_upto")
    # Who said the lead last is who last changed it: as it was told when the statements came.
    _step_back(work, "upto")
    while ask_value(work, "select count(*) as leads from upto"):
        _fold_upto(work)
        run(work, "find_silent")
        execute(
            work,
            "update folded_leads set import_id = upto.import_id, fingerprint = upto.fingerprint,"
            " line_no = upto.line_no from folded_upto as upto"
            " where upto.lead_id = folded_leads.lead_id"
            " and folded_leads.lead_id in (select lead_id from silent)",
        )
        _step_back(work, "(from upto semi join silent using (lead_id))")


def _fold_upto(work: Work) -> None:
    run(work, "take_remaining")
    fold_fields(work)
    run(work, "fold_remaining")


def _step_back(work: Work, leads: str) -> None:
    fewer = f"select lead_id, place - 1 as place from {leads} where place > 1"  # noqa: S608
    work.execute("create or replace table upto as " + fewer).fetchall()


def _key_edited_emails(work: Work) -> None:
    """Make ``edited_emails``: by what the emails that were edited by hand are known."""
    empty(work, "edited_emails")
    edited = query(work, "select persona_id, value from edits where field = 'email'")
    keys = compare_emails(edited.select(pl.concat_list("value"))["value"]).list.first()
    append(work, "edited_emails", edited.with_columns(value=keys).drop_nulls())


def list_kept(work: Work) -> list[dict[str, str]]:
    """What the undo cannot take back, and why: what, id, name, field, value and why.

    After ``transforms.plan.make_undo_plan``.
    """
    run(work, "change_macros")
    _find_disconnected(work)
    return query(work, statement("list_kept")).to_dicts()


def _find_disconnected(work: Work) -> None:
    """Make ``disconnected``: people whose leads share nothing any more, and their leads."""
    run(work, "list_connections")
    links = query(work, "from lead_links order by all")
    leads = links.select("lead_id").unique().sort("lead_id").with_row_index("left")
    claims = links.select("persona_id", "claim").unique().sort("persona_id", "claim")
    claims = claims.with_row_index("right", offset=len(leads))
    ends = links.join(leads, on="lead_id").join(claims, on=["persona_id", "claim"])
    labels = connected_components(
        len(leads) + len(claims), ends["left"].to_numpy(), ends["right"].to_numpy()
    )
    placed = leads.with_columns(part=pl.Series(labels[: len(leads)]))
    people = links.select("lead_id", "persona_id").unique().join(placed, on="lead_id")
    apart = people.join(links.unique("lead_id").select("lead_id", "called"), on="lead_id")
    apart = apart.group_by("persona_id").agg(
        parts=pl.col("part").n_unique(), leads=pl.col("called").sort().str.join(", ")
    )
    empty(work, "disconnected")
    append(work, "disconnected", apart.filter(pl.col("parts") > 1).drop("parts"))
