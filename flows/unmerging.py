"""An unmerge: one person is taken apart, by lead or by source, and stays so."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl
import psycopg

from contracts.errors import WrongCallError
from flows import stored, warehouse
from flows.acts import Act, begin, carry_out, open_without_rows, resolve_stored, write
from flows.copying import copy_in
from flows.finding import find_person
from flows.importing import sweep_killed
from flows.jobs import Outcome, find_user, make_import_id
from flows.keyed import score_anew
from flows.settings import Settings
from flows.stored_personas import fetch_around
from flows.teams import Team, policy_of
from flows.trying import Try
from flows.wanted import of_team, temp_table
from flows.workspace import hold_workspace
from transforms.plan import Plan
from transforms.relations import Work
from transforms.split import By, PersonLead, deal_out, name_parts, split

CAUSE = "unmerge"
# Of so many parts each pair is judged: 50 make 1,225.
MOST_PARTS = 50


@dataclass(frozen=True)
class _Unmerge:
    team: Team
    persona_id: str
    by: By | None
    leaving: frozenset[str]
    judged_by: str
    judged_at: datetime


def run_unmerge(
    person: str,
    settings: Settings,
    *,
    team: str | None = None,
    by: By | None = None,
    leaving: Collection[str] = (),
    judged_by: str = "",
) -> Outcome:
    """Take a person apart, and remember that the parts are not the same, for all imports to come.

    It is an import with a ledger row of its own, cause ``unmerge``, and can be undone. What
    somebody edited by hand stays with the part that stays who the person was.

    Args:
        person: Persona id or the end of one, phone, email or CRM id.
        settings: Where the database is.
        team: Of this team only.
        by: ``source``: each logical file's leads become one person; ``lead``: each lead does.
        leaving: Instead, ids of leads or of their records: these together become one person.
        judged_by: Who says so; empty: who runs this program.

    Raises:
        WrongCallError: There is no such person or lead, or it cannot be taken apart so.
        DatabaseUnavailableError: Postgres does not answer.
    """
    import_id = make_import_id()
    with hold_workspace(settings.work, import_id):
        with warehouse.connected(settings, import_id) as connection:
            sweep_killed(connection, settings)
            found = find_person(connection, person, team)
            unmerge = _Unmerge(
                *(found.team, found.persona_id),
                by=by,
                leaving=frozenset(leaving),
                judged_by=judged_by or find_user(),
                judged_at=datetime.now(UTC),
            )
            _deal_out(connection, unmerge)
            name = f"unmerge of {found.persona_id}"
            act = Act(import_id, found.team.team_id, CAUSE, name)
            begin(connection, act, unmerge.judged_by)
        return carry_out(
            act,
            settings,
            lambda work, attempt: write(act, _plan(act, unmerge, work, attempt), attempt),
        )


def _plan(act: Act, unmerge: _Unmerge, work: Work, attempt: Try) -> Plan:
    """The story of an import whose file has no rows, about the person and his neighbours."""
    connection, policy = attempt.connection, policy_of(unmerge.team)
    open_without_rows(work, act.import_id, CAUSE, policy)
    parts = name_parts(_deal_out(connection, unmerge), unmerge.persona_id, act.import_id)
    stored.empty_all(work)
    temp_table(connection, "asked (team_id text, persona_id text)")
    asked = pl.DataFrame({"persona_id": [unmerge.persona_id, *parts["persona_id"]]}).unique()
    copy_in(connection, "asked", of_team([asked], act.team_id))
    fetch_around(connection, work, act.team_id, policy, is_locking=attempt.is_last)
    resolve_stored(work, policy)
    plan = split(
        work,
        policy,
        parts,
        judged_by=unmerge.judged_by,
        judged_at=unmerge.judged_at,
    )
    return score_anew(act, policy, work, attempt, plan)


def _deal_out(connection: psycopg.Connection, unmerge: _Unmerge) -> list[list[PersonLead]]:
    """The parts of the person, as it is now.

    Raises:
        WrongCallError: There is no such lead, or these are not parts of one person.
    """
    rows = connection.execute(
        "SELECT l.lead_id, l.source_file, coalesce(("
        # Whose it was before, if that one was merged and is nobody since.
        "SELECT m.from_persona_id FROM lead_moves AS m"
        " JOIN imports AS i ON i.import_id = m.import_id AND i.undone_by_import_id IS NULL"
        " JOIN personas AS p ON p.team_id = m.team_id AND p.persona_id = m.from_persona_id"
        " AND p.merged_into IS NOT NULL"
        " WHERE m.team_id = l.team_id AND m.lead_id = l.lead_id"
        " ORDER BY i.commit_no LIMIT 1), ''), l.source_record_id"
        " FROM leads AS l WHERE l.team_id = %s AND l.persona_id = %s ORDER BY"
        # By age; those of one import by their records, not by their order in the file.
        " substr(l.lead_id, 6, 10), l.source_file, l.source_record_id",
        [unmerge.team.team_id, unmerge.persona_id],
    ).fetchall()
    called = {name for row in rows for name in (row[0], row[3])}
    if unknown := unmerge.leaving - called:
        raise WrongCallError(
            f"{unmerge.persona_id} has no lead '{min(unknown)}'.\n"
            f"To see its leads: leadfold why {unmerge.persona_id}"
        )
    leads = [PersonLead(*row[:3]) for row in rows]
    leaving = {row[0] for row in rows if {row[0], row[3]} & unmerge.leaving}
    parts = deal_out(leads, unmerge.by, leaving)
    if len(parts) < 2:
        if len(leads) < 2:
            what = "only one record" if leads else "no record"
        elif unmerge.by == "source":
            what = "records of one source file only"
        else:
            what = "no record that would stay"
        raise WrongCallError(
            f"{unmerge.persona_id} cannot be taken apart so: it has {what}.\n"
            f"To see its leads: leadfold why {unmerge.persona_id}"
        )
    if len(parts) > MOST_PARTS:
        raise WrongCallError(
            f"{unmerge.persona_id} has {len(parts)} parts; {MOST_PARTS} at most can be made at"
            " once.\nTake some leads out of it first, with --lead."
        )
    return parts
