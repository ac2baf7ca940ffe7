"""What of Postgres is read for a file: what it is about, however much more a team holds."""

import psycopg

from tests.conftest import Import
from tests.running import await_

_STORED = 100_000
_OTHERS = (
    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend'"
)


def test_a_small_file_does_not_have_all_claims_and_leads_read(
    import_text: Import, connection: psycopg.Connection
) -> None:
    """Claims and records are looked up by their index, by the usual settings of Postgres."""
    connection.execute(
        "SELECT set_config('leadfold.import_id', 'import_0', false);"
        " INSERT INTO personas (team_id, persona_id, phone) SELECT team_id, 'persona_' || n,"
        f" '+1415' || n FROM teams, generate_series(2300000, {2_299_999 + _STORED}) AS n;"
        " INSERT INTO identities SELECT team_id, 'phone', phone, persona_id, true FROM personas;"
        " INSERT INTO leads (team_id, lead_id, source, source_file, source_record_id, persona_id,"
        " phones, import_id, line_no) SELECT team_id, 'lead_' || substr(persona_id, 9), 'generic',"
        " 'generic/list.csv', substr(persona_id, 9), persona_id, ARRAY[phone], 'import_0', 1"
        " FROM personas;"
        " ANALYZE personas; ANALYZE identities; ANALYZE leads"
    )
    lines = (f"{n},+1415{n},Ann {n}\n" for n in range(2_300_000, 2_300_900))
    before = _scanned(connection)
    outcome = import_text("record id,phone,name\n" + "".join(lines), name="list.csv")
    assert outcome.counts.landed == outcome.counts.updated == 900, outcome
    after = _scanned(connection)
    read = {table: after[table] - before[table] for table in before}
    # People and what is theirs are not asked for in the order of an index; their claims stand with
    # them.
    most = {"personas": 2, "leads": 1, "identities": 0}
    assert all(rows < (most[table] + 0.1) * _STORED for table, rows in read.items()), read


def _scanned(connection: psycopg.Connection) -> dict[str, int]:
    """Table -> rows that were read from one end of it to the other."""
    # A backend tells what it read when it ends, which is after its client has gone.
    await_(lambda: not connection.execute(_OTHERS).fetchall(), "the end of the import's backends")
    connection.execute("SELECT pg_stat_clear_snapshot()")
    found = connection.execute(
        "SELECT relname, seq_tup_read FROM pg_stat_user_tables"
        " WHERE relname IN ('identities', 'leads', 'personas')"
    )
    return dict(found.fetchall())
