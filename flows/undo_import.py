"""An undo as a Prefect flow: an import is taken back, and a page tells what stays."""

from collections.abc import Mapping

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from contracts.errors import WrongCallError
from flows import report
from flows.acts import Start
from flows.jobs import Outcome
from flows.pages import cell, escape, table
from flows.plan_report import count_lines
from flows.run_imports import guard
from flows.runs import hold_run, import_id_of
from flows.settings import Settings, load_settings
from flows.undoing import run_undo
from transforms.masks import mask_field, mask_name

_MOST_KEPT = 50


@flow(
    name="undo-import",
    flow_run_name="undo of {import_id}",
    validate_parameters=True,
    persist_result=False,
)
def undo_import(
    import_id: str, your_name: str, dry_run: bool = False, withdraw_opt_outs: bool = False
) -> State[Outcome]:
    """Take back an import: what it inserted, changed or merged.

    What somebody edited by hand since stays, and is told. The undo is an import of its own, and
    can be undone.

    Args:
        import_id: The import, or the end of its id.
        your_name: Who takes it back; the ledger keeps it.
        dry_run: Only tell what would change; write nothing.
        withdraw_opt_outs: Also take back opt-outs that it brought.
    """
    settings = load_settings()

    def work() -> State[Outcome]:
        if not your_name.strip():
            raise WrongCallError("Say who takes it back: the ledger keeps it.")
        with hold_run(settings) as run_id:
            outcome = run_undo(
                import_id.strip(),
                settings,
                is_dry_run=dry_run,
                withdraws_opt_outs=withdraw_opt_outs,
                started_by=your_name.strip(),
                start=Start(import_id_of(run_id), "analyst", run_id),
            )
            create_markdown_artifact(
                undo_page(outcome, settings),
                key=outcome.import_id.lower().replace("_", "-"),
                description=outcome.file_name,
            )
        state = Completed if outcome.is_good else Failed
        return state(message=undo_sentence(outcome, settings), data=outcome)

    return guard(work, settings)


def undo_sentence(outcome: Outcome, settings: Settings) -> str:
    """An undo in a sentence, with nobody's data in it."""
    if not outcome.is_good:
        return report.public_sentence(outcome, settings)
    if outcome.changes:
        counts = [f"{count:,} {label.strip()}" for label, count in count_lines(outcome.changes)]
        did = f"Would change: {', '.join(counts) or 'nothing'}."
    else:
        did = f"Written: {report.effects_sentence(outcome.effects)}."
    kept = f" Not taken back: {len(outcome.kept):,}." if outcome.kept else ""
    return f"{outcome.file_name}: {did}{kept}"


def undo_page(outcome: Outcome, settings: Settings) -> str:
    """An undo as a page: what it did, and what it could not take back."""
    lines = [f"# {escape(outcome.file_name)} in {escape(outcome.team_id)}", ""]
    lines += [escape(undo_sentence(outcome, settings)), ""]
    if outcome.changes:
        lines += [*table(("what would change", "count"), count_lines(outcome.changes)), ""]
    kept = [list(map(cell, _hide(each, settings))) for each in outcome.kept[:_MOST_KEPT]]
    if kept:
        lines += ["## Not taken back", "", *table(("who", "what", "stays", "why"), kept), ""]
    if len(outcome.kept) > _MOST_KEPT:
        lines += [f"... and {len(outcome.kept) - _MOST_KEPT:,} more.", ""]
    if outcome.status == "done":
        lines += [f"To have it again, undo `{outcome.import_id}`."]
    return "\n".join(lines)


def _hide(kept: Mapping[str, str], settings: Settings) -> tuple[str, str, str, str]:
    """Who, what, which value and why (``transforms.undo.list_kept``), with nobody's data."""
    name, value = kept["name"] or "", kept["value"] or ""
    # The id of an opt-out is the phone or email that it is about.
    who = report.hide(kept["id"], "", settings)
    if settings.shows_contacts:
        return name or who, kept["field"], value, kept["why"]
    if kept["what"] == "persona" and kept["field"] != "leads":
        value = mask_field(kept["field"], value)
    return mask_name(name) or who, kept["field"], value, report.hide(kept["why"], "", settings)
