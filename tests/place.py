"""A database that property tests fill and empty again, and how hard they try.

To soak: ``LEADFOLD_EXAMPLES=200``; to have a failing example made small: ``LEADFOLD_SHRINK=1``.
"""

import os
from dataclasses import replace
from pathlib import Path

import psycopg
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from psycopg import sql

from flows import teams
from flows.importing import run_import
from flows.jobs import Outcome, Request
from flows.settings import Settings
from flows.undoing import run_undo
from tests.states import fetch, people
from tests.worlds import File, village_of

EXAMPLES = int(os.environ.get("LEADFOLD_EXAMPLES", "2"))
_SHRINK = [Phase.shrink] if os.environ.get("LEADFOLD_SHRINK") else []

attack = hypothesis_settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate, *_SHRINK],
    suppress_health_check=list(HealthCheck),
)


class Place:
    """A database that is emptied between examples."""

    def __init__(self, settings: Settings, folder: Path, connection: psycopg.Connection) -> None:
        self.settings, self.folder, self.connection = settings, folder, connection

    def empty(self, *names: str) -> None:
        """Start over with these teams, or with one."""
        tables = self.connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace AND relname <> 'leadfold_migrations'"
        ).fetchall()
        self.connection.execute(
            sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(sql.Identifier(t) for (t,) in tables))
        )
        for name in names or ("acme",):
            teams.add_team(self.connection, name)

    def run(
        self, file: File, team: str = "acme", chunk_rows: int = 1000, threads: int = 1
    ) -> Outcome:
        """Import a file; it must be done."""
        path = self.folder / team / file.name
        path.parent.mkdir(exist_ok=True)
        path.write_text(file.text, encoding="utf-8", newline="")
        used = replace(self.settings, chunk_rows=chunk_rows, threads=threads)
        (outcome,) = run_import(Request(path, team, file.source), used)
        assert outcome.status == "done", outcome.reason
        return outcome

    def undo(self, import_id: str, *, withdraws_opt_outs: bool = False) -> Outcome:
        """Undo an import; it must be done."""
        outcome = run_undo(import_id, self.settings, withdraws_opt_outs=withdraws_opt_outs)
        assert outcome.status == "done", outcome.reason
        return outcome


def troubled_villages(place: Place, team: str) -> set[int | None]:
    """Where a link was held back."""
    found = set()
    claims = {p.golden["persona_id"]: list(p.identities) for p in people(place.connection, team)}
    query = "SELECT kind, value, left_id, right_id FROM merge_candidates WHERE team_id = %s"
    for row in fetch(place.connection, query, team):
        found.add(village_of(row["kind"], row["value"]))
        for side in (row["left_id"], row["right_id"]):
            found.update(village_of(*claim) for claim in claims.get(side, []))
    return found
