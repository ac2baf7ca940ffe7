"""``leadfold adopt``: an application's own tables, cleaned and brought under keys."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import errors

from flows import local_postgres
from flows.adopt import adopting, indexes, restoring
from flows.adopt.cleaning import Cleaner
from flows.adopt.schema import read_references, read_tables
from flows.cli import leadfold

_numbers = count()

CONTACTS = """
CREATE TABLE workspaces (id int PRIMARY KEY);
INSERT INTO workspaces VALUES (1), (2);
CREATE TABLE contacts (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id int REFERENCES workspaces,
    phone text, device_id text, email text, name text,
    last_activity_at timestamptz, created_at timestamptz
);
CREATE TABLE calls (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    contact_id int REFERENCES contacts
);
"""
MAPPING = """
tables:
  contacts:
    columns: {workspace: workspace_id}
    newest_by: last_activity_at
    oldest_by: created_at
    keys: [[phone, workspace]]
"""
THREE = """
INSERT INTO contacts (workspace_id, phone, name, email, created_at) VALUES
    (1, '+1', 'Ann', NULL, '2020-01-01'), (1, '+1', '', 'ann@x', '2021-01-01'),
    (1, '+1', 'Anne', 'anne@x', '2022-01-01'), (2, '+1', 'Bob', NULL, NULL);
INSERT INTO calls (contact_id) SELECT id FROM contacts ORDER BY id;
"""

Rows = list[tuple[Any, ...]]


class App(NamedTuple):
    """An application's database, and how ``leadfold adopt`` is called on it."""

    url: str
    connection: psycopg.Connection
    folder: Path

    def run(self, sql: str) -> None:
        self.connection.execute(sql)  # type: ignore[call-overload]

    def rows(self, sql: str) -> Rows:
        found: Rows = self.connection.execute(sql).fetchall()  # type: ignore[call-overload]
        return found

    def adopt(self, *arguments: object, mapping: str = "", url: str = "") -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        given = ["adopt", "--database", url or self.url, *map(str, arguments)]
        if mapping:
            (self.folder / "adopt.yaml").write_text(mapping)
            given += ["--mapping", str(self.folder / "adopt.yaml")]
        done = CliRunner().invoke(leadfold, given)
        error = str(done.exception) if done.exception and done.exit_code == 1 else ""
        return done.exit_code, done.stdout, done.stderr + error

    def apply(self, mapping: str = MAPPING) -> dict[str, Any]:
        code, out, err = self.adopt("--apply", "--no-backup", "--json", mapping=mapping)
        assert code == 0, err
        told: dict[str, Any] = json.loads(out)
        assert [key["is_valid"] for key in told["keys"]] == [True] * len(told["keys"])
        return told

    def restore(self) -> dict[str, Any]:
        code, out, err = self.adopt("--restore", "--json")
        assert out, err
        told: dict[str, Any] = json.loads(out)
        assert code == (1 if told["left"] else 0)
        return told

    def refusal(self, mapping: str = MAPPING, url: str = "") -> str:
        """Why it is refused, by the report and by ``--apply``; nothing is changed by either."""
        before = self.state()
        code, _, err = self.adopt(mapping=mapping, url=url)
        again, _, err_again = self.adopt("--apply", "--no-backup", mapping=mapping, url=url)
        assert (code, again) == (1, 1)
        assert err == err_again
        assert self.state() == before
        return err

    def state(self) -> object:
        """All rows of all tables, where they stand, and all that is in the catalogue."""
        tables = self.rows(
            "SELECT format('%I.%I', nspname, relname) FROM pg_class AS c"
            " JOIN pg_namespace AS n ON n.oid = relnamespace"
            " WHERE relkind IN ('r', 'i', 'p') AND nspname !~ '^pg_'"
            " AND nspname <> 'information_schema'"
            " ORDER BY 1"
        )
        stored = self.rows(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname !~ '^pg_' AND schemaname <> 'information_schema' ORDER BY 1"
        )
        rows = {
            name: self.rows(f"SELECT * FROM {name} AS t ORDER BY t::text") for (name,) in stored
        }
        return tables, rows, self.rows("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")


@pytest.fixture
def app(server_home: Path, tmp_path: Path) -> Iterator[App]:
    """An empty database of an application's own."""
    name = f"app_{next(_numbers)}_{os.getpid()}"
    admin = local_postgres.start(server_home).replace("/leadfold?", "/postgres?")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = admin.replace("/postgres?", f"/{name}?")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        yield App(url, connection, tmp_path)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_it_reads_and_tells_and_changes_nothing(app: App) -> None:
    """Groups, the largest, examples, what would stay; names alone say what the tables are."""
    app.run(CONTACTS + THREE)
    before = app.state()
    code, out, _ = app.adopt("--json")
    (table,) = json.loads(out)["tables"]
    assert (code, table["table"], table["rows"], table["contract"]) == (
        0,
        "public.contacts",
        4,
        "contacts",
    )
    assert table["references"] == ["public.calls (contact_id)"]
    by_phone, by_device = table["keys"]
    assert table["breaks"] == {"'phone' is no phone number": 4}
    assert by_phone["columns"] == ["phone", "workspace_id"]
    assert (by_phone["groups"], by_phone["rows_to_remove"], by_phone["largest"]) == (1, 2, 3)
    assert by_phone["examples"] == [{"key": ["+1", "1"], "rows": 3}]
    assert (by_device["columns"], by_device["groups"]) == (["device_id", "phone"], 0)
    code, out, _ = app.adopt("--plan", app.folder / "plan.csv")
    assert "error 23505 (unique_violation), constraint" in " ".join(out.split())
    assert (app.folder / "plan.csv").read_text().splitlines() == [
        "table,key,group,row,becomes,kept_row,references_moved",
        'public.contacts,"phone, workspace_id",1,3,stays,3,0',
        'public.contacts,"phone, workspace_id",1,1,goes,3,1',
        'public.contacts,"phone, workspace_id",1,2,goes,3,1',
    ]
    assert (app.folder / "plan.csv").stat().st_mode & 0o077 == 0
    assert app.state() == before


def test_phones_that_an_index_cannot_compare_are_counted(app: App) -> None:
    """One number written in two ways is two values to Postgres; the report says how many."""
    app.run(CONTACTS)
    app.run(
        "INSERT INTO contacts (phone) VALUES ('+14155552671'), ('(415) 555-2671'), ('4155552671'),"
        " ('12'), (''), (NULL)"
    )
    (table,) = json.loads(app.adopt("--json", mapping=MAPPING)[1])["tables"]
    assert table["breaks"] == {
        "'phone' is no phone number": 1,
        "'phone' is not written as +E.164: equal ones may differ": 2,
    }
    told = json.loads(app.adopt("--json", "--region", "GB", mapping=MAPPING)[1])
    assert told["tables"][0]["breaks"]["'phone' is no phone number"] == 3


def test_the_mapping_that_it_writes_is_one_that_it_reads(app: App) -> None:
    """Written, edited, read again."""
    app.run(CONTACTS + THREE)
    _, as_found, _ = app.adopt("--json", "--write", app.folder / "written.yaml")
    written = (app.folder / "written.yaml").read_text()
    assert "keys:\n    - [phone, workspace]\n    - [device_id, phone]\n" in written
    assert app.adopt("--json", mapping=written)[1] == as_found


def test_rows_go_references_move_and_all_comes_back(app: App) -> None:
    """The most complete row stays; the index refuses; ``--restore`` is exact."""
    app.run(CONTACTS + THREE)
    before = app.state()
    told = app.apply()
    (key,) = told["keys"]
    assert (key["groups"], key["removed"], key["moved"], key["changed"]) == (1, 2, 2, 0)
    assert app.rows("SELECT id, name, email FROM contacts ORDER BY id") == [
        (3, "Anne", "anne@x"),
        (4, "Bob", None),
    ]
    assert app.rows("SELECT contact_id FROM calls ORDER BY id") == [(3,), (3,), (3,), (4,)]
    with pytest.raises(errors.UniqueViolation, match="contacts_phone_workspace_id_unique_idx"):
        app.run("INSERT INTO contacts (phone, workspace_id) VALUES ('+1', 1)")
    for blank in ("NULL", "''"):
        app.run(f"INSERT INTO contacts (phone, workspace_id) VALUES ({blank}, 1), ({blank}, 1)")
    app.run("DELETE FROM contacts WHERE coalesce(phone, '') = ''")
    assert app.rows(
        "SELECT id, _leadfold_kept FROM leadfold_adopt.removed_contacts ORDER BY id"
    ) == [
        (1, {"id": 3}),
        (2, {"id": 3}),
    ]
    assert app.restore()["left"] == []
    assert app.state() == before


def test_blanks_are_filled_from_the_others_and_given_back(app: App) -> None:
    """By the order of the ranking; what was edited since is kept, and told."""
    app.run(CONTACTS)
    app.run(
        "INSERT INTO contacts (workspace_id, phone, name, email, device_id, last_activity_at)"
        " VALUES (1, '+1', 'Ann', '', NULL, '2024-01-01'),"
        " (1, '+1', '', 'old@x', NULL, '2020-01-01'),"
        " (1, '+1', NULL, 'new@x', NULL, '2022-01-01'),"
        " (1, '+2', 'Bob', NULL, NULL, '2024-01-01'), (1, '+2', NULL, 'bob@x', NULL, '2020-01-01')"
    )
    before = app.rows("SELECT * FROM contacts ORDER BY id")
    assert app.apply()["keys"][0]["changed"] == 2
    assert app.rows("SELECT id, name, email FROM contacts ORDER BY id") == [
        (1, "Ann", "new@x"),
        (4, "Bob", "bob@x"),
    ]
    app.run("UPDATE contacts SET email = 'mine@x' WHERE id = 4")
    told = app.restore()
    assert [(each["table"], each["row"]) for each in told["left"]] == [("public.contacts", "4")]
    (edited,) = (row for row in app.rows("SELECT * FROM contacts ORDER BY id") if row[0] == 4)
    assert edited[4] == "mine@x"
    others = [row for row in app.rows("SELECT * FROM contacts ORDER BY id") if row[0] != 4]
    assert others == [row for row in before if row[0] != 4]


def test_nothing_is_filled_where_the_mapping_says_so(app: App) -> None:
    """``fill: none``, or the columns that may be."""
    app.run(CONTACTS)
    app.run(
        "INSERT INTO contacts (workspace_id, phone, name, email, device_id, last_activity_at)"
        " VALUES (1, '+1', 'Ann', NULL, NULL, '2024-01-01'),"
        " (1, '+1', NULL, 'a@x', NULL, '2020-01-01')"
    )
    assert app.apply(MAPPING + "    fill: none\n")["keys"][0]["changed"] == 0
    app.restore()
    assert app.apply(MAPPING + "    fill: [device_id]\n")["keys"][0]["changed"] == 0
    app.restore()
    assert app.apply(MAPPING + "    fill: [email]\n")["keys"][0]["changed"] == 1


def test_a_row_that_becomes_equal_to_another_is_kept_for_restore(app: App) -> None:
    """Tags of three become tags of one: what was there stays, of two others the first."""
    app.run(CONTACTS + THREE)
    app.run(
        "CREATE TABLE tags (contact_id int REFERENCES contacts, tag text, note text,"
        " PRIMARY KEY (contact_id, tag));"
        "INSERT INTO tags VALUES (1, 'a', '1a'), (2, 'a', '2a'), (3, 'a', '3a'), (1, 'b', '1b'),"
        " (2, 'b', '2b'), (2, 'c', '2c'), (4, 'a', '4a')"
    )
    before = app.state()
    (key,) = app.apply()["keys"]
    assert (key["moved"], key["dropped"]) == (2 + 2, 3)
    assert app.rows("SELECT * FROM tags ORDER BY note") == [
        (3, "b", "1b"),
        (3, "c", "2c"),
        (3, "a", "3a"),
        (4, "a", "4a"),
    ]
    assert app.restore()["left"] == []
    assert app.state() == before


def test_a_partial_unique_index_keeps_what_it_is_not_about(app: App) -> None:
    """One open deal a contact: closed ones all move."""
    app.run(CONTACTS + THREE)
    app.run(
        "CREATE TABLE deals (id int PRIMARY KEY, contact_id int REFERENCES contacts, open boolean);"
        "CREATE UNIQUE INDEX ON deals (contact_id) WHERE open;"
        "INSERT INTO deals VALUES (1, 1, true), (2, 2, true), (3, 1, false), (4, 2, false)"
    )
    before = app.state()
    (key,) = app.apply()["keys"]
    assert key["dropped"] == 1
    assert app.rows("SELECT * FROM deals ORDER BY id") == [
        (1, 3, True),
        (3, 3, False),
        (4, 3, False),
    ]
    app.restore()
    assert app.state() == before


def test_a_composite_key_and_composite_references_are_handled(app: App) -> None:
    """A primary key of two columns, by which others refer; rows of two key values stay apart."""
    app.run(
        "CREATE TABLE leads (workspace_id int, no int, phone text, name text,"
        " PRIMARY KEY (workspace_id, no));"
        "CREATE TABLE calls (id int PRIMARY KEY, workspace_id int, lead_no int,"
        " FOREIGN KEY (workspace_id, lead_no) REFERENCES leads);"
        "INSERT INTO leads VALUES (1, 1, '+1', NULL), (1, 2, '+1', 'Ann'), (2, 1, '+1', 'Bob');"
        "INSERT INTO calls VALUES (1, 1, 1), (2, 1, 2), (3, 2, 1)"
    )
    before = app.state()
    mapping = "tables:\n  leads: {keys: [[phone, workspace]], columns: {workspace: workspace_id}}"
    app.apply(mapping)
    assert app.rows("SELECT * FROM calls ORDER BY id") == [(1, 1, 2), (2, 1, 2), (3, 2, 1)]
    app.restore()
    assert app.state() == before


def test_no_row_is_lost_by_a_cascade(app: App) -> None:
    """What refers with ON DELETE CASCADE or SET NULL has moved before the row goes."""
    app.run(CONTACTS + THREE)
    app.run(
        "CREATE TABLE mails (id int PRIMARY KEY, c int REFERENCES contacts ON DELETE CASCADE);"
        "CREATE TABLE notes (id int PRIMARY KEY, c int REFERENCES contacts ON DELETE SET NULL);"
        "INSERT INTO mails SELECT id, id FROM contacts;"
        "INSERT INTO notes SELECT id, id FROM contacts"
    )
    before = app.state()
    app.apply()
    for table in ("mails", "notes"):
        assert app.rows(f"SELECT * FROM {table} ORDER BY id") == [(1, 3), (2, 3), (3, 3), (4, 4)]
    app.restore()
    assert app.state() == before


def test_a_generated_column_and_one_that_refers_to_its_own_table(app: App) -> None:
    """What Postgres computes is not written, and a referral follows the row that stays, even if it
    comes to be one to itself."""
    app.run(CONTACTS)
    app.run(
        "ALTER TABLE contacts ADD low text GENERATED ALWAYS AS (lower(name)) STORED,"
        " ADD referred_by int REFERENCES contacts, ADD no int GENERATED ALWAYS AS IDENTITY"
    )
    app.run(THREE)
    app.run("UPDATE contacts SET referred_by = 1 WHERE id IN (2, 4)")
    app.run(
        "INSERT INTO contacts (workspace_id, phone, name) VALUES (1, '+5', 'Zed'), (1, '+5', '')"
    )
    app.run("UPDATE contacts SET email = 'zed@x' WHERE id = 6")
    before = app.state()
    app.apply()
    assert app.rows("SELECT id, referred_by, low FROM contacts ORDER BY id") == [
        (2, 2, "anne"),
        (4, 2, "bob"),
        (5, None, "zed"),
    ]
    assert app.rows("SELECT email FROM contacts WHERE id = 5") == [("zed@x",)]
    app.restore()
    assert app.state() == before


def test_a_reference_to_the_table_itself_is_taken_over_where_it_is_to_another(app: App) -> None:
    """As it is after the batch: to the row that stays of another group, not to the row itself."""
    app.run(CONTACTS)
    app.run("ALTER TABLE contacts ADD referred_by int REFERENCES contacts")
    app.run(
        "INSERT INTO contacts (workspace_id, phone, name, email, device_id) VALUES"
        " (1, '+1', 'Ann', 'a@x', 'd'), (1, '+1', '', NULL, NULL),"
        " (1, '+2', 'Bob', 'b@x', 'd'), (1, '+2', '', NULL, NULL),"
        " (1, '+3', 'Cid', 'c@x', 'd'), (1, '+3', '', NULL, NULL)"
    )
    # 2 was referred by a row that goes as well, 6 by the row that takes over.
    app.run("UPDATE contacts SET referred_by = 4 WHERE id = 2")
    app.run("UPDATE contacts SET referred_by = 5 WHERE id = 6")
    before = app.state()
    app.apply()
    assert app.rows("SELECT id, referred_by FROM contacts ORDER BY id") == [
        (1, 3),
        (3, None),
        (5, None),
    ]
    app.restore()
    assert app.state() == before


def test_types_of_all_kinds_come_back_as_they_were(app: App) -> None:
    """Rows that went are kept typed: json to the blank, arrays with their bounds, odd numbers."""
    app.run(CONTACTS)
    app.run(
        "CREATE TYPE mood AS ENUM ('good', 'bad');"
        "ALTER TABLE contacts ADD j json, ADD b bytea, ADD a int[], ADD m mood, ADD n numeric,"
        " ADD f float8, ADD r int4range, ADD p point, ADD i interval, ADD u uuid,"
        " ADD t timestamptz, ADD c char(5)"
    )
    for name in ("Ann", ""):
        app.run(
            "INSERT INTO contacts (workspace_id, phone, name, j, b, a, m, n, f, r, p, i, u, t, c)"
            f" VALUES (1, '+1', '{name}', '{{\"a\": 1,   \"a\": 2}}', '\\x00ff', '[0:1]={{1,2}}',"
            " 'bad', 'NaN', '-0', '[1,5)', '(1,2)', '1 mon 3 days', gen_random_uuid(), 'infinity',"
            " 'ab')"
        )
    before = app.rows("SELECT t::text, array_lower(a, 1), j::text FROM contacts AS t ORDER BY id")
    app.apply()
    app.restore()
    after = app.rows("SELECT t::text, array_lower(a, 1), j::text FROM contacts AS t ORDER BY id")
    assert after == before


def test_tables_of_the_data_model_follow_their_contract(app: App) -> None:
    """Only what is pending is a duplicate; a failure replaces no success; status goes forward."""
    app.run(
        "CREATE TABLE campaign_queue (id int PRIMARY KEY, team_id text, lead_card_id text,"
        " agent text, channel text, status text, created_at timestamptz);"
        "INSERT INTO campaign_queue VALUES (1, 't', 'c', 'a', 'sms', 'sent', '2020-01-01'),"
        " (2, 't', 'c', 'a', 'sms', 'sent', '2020-01-02'),"
        " (3, 't', 'c', 'a', 'sms', 'pending', '2022-01-01'),"
        " (4, 't', 'c', 'a', 'sms', 'pending', '2021-01-01'),"
        " (5, 'u', 'c', 'a', 'sms', 'pending', NULL);"
        "CREATE TABLE skiptrace_results (id int PRIMARY KEY, team_id text, persona_id text,"
        " provider text, success boolean, processed_at timestamptz);"
        "INSERT INTO skiptrace_results VALUES (1, 't', 'p', 'x', false, '2024-01-01'),"
        " (2, 't', 'p', 'x', true, '2020-01-01'), (3, 't', 'p', 'x', true, '2021-01-01'),"
        " (4, 't', NULL, 'x', true, '2021-01-01'), (5, 't', NULL, 'x', true, '2021-01-01');"
        "CREATE TABLE messages (id int PRIMARY KEY, external_id text, body text,"
        " status text, created_at timestamptz);"
        "INSERT INTO messages VALUES (1, 'm', 'hi', 'sent', '2020-01-01'),"
        " (2, 'm', NULL, 'read', '2020-01-02'), (3, 'm', NULL, 'delivered', '2020-01-03')"
    )
    before = app.state()
    _, written, _ = app.adopt("--json", "--write", app.folder / "w.yaml")
    assert {table["contract"] for table in json.loads(written)["tables"]} == {
        "campaign_queue",
        "messages",
        "skiptrace_results",
    }
    app.apply((app.folder / "w.yaml").read_text())
    assert app.rows("SELECT id FROM campaign_queue ORDER BY id") == [(1,), (2,), (4,), (5,)]
    assert app.rows("SELECT id FROM skiptrace_results ORDER BY id") == [(3,), (4,), (5,)]
    assert app.rows("SELECT id, body, status FROM messages") == [(1, "hi", "read")]
    names = {
        name for (name,) in app.rows("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")
    }
    assert names > {
        "campaign_queue_pending_unique_idx",
        "skiptrace_results_persona_provider_idx",
        "messages_external_id_unique_idx",
    }
    app.restore()
    assert app.state() == before


def _user(app: App, *grants: str) -> str:
    """The address of the database for a user who has these rights and no others."""
    name = app.connection.info.dbname + "_user"
    app.run(f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
    for grant in grants:
        app.run(f"GRANT {grant} TO {name}")
    return app.url.replace(app.url.split("//")[1].split("@")[0], f"{name}:x")


REFUSED: dict[str, tuple[str, str, str]] = {
    "no primary key": (
        "ALTER TABLE calls DROP CONSTRAINT calls_contact_id_fkey;"
        "ALTER TABLE contacts DROP CONSTRAINT contacts_pkey",
        MAPPING,
        "public.contacts has no primary key, so that its rows cannot be told apart.",
    ),
    "no primary key of what refers": (
        "ALTER TABLE calls DROP CONSTRAINT calls_pkey",
        MAPPING,
        "public.calls (contact_id) refers to public.contacts. public.calls has no primary key",
    ),
    "partitioned": (
        "DROP TABLE calls, contacts;"
        "CREATE TABLE contacts (id int, workspace_id int, phone text,"
        " PRIMARY KEY (id, workspace_id)) PARTITION BY LIST (workspace_id);"
        "CREATE TABLE contacts_1 PARTITION OF contacts FOR VALUES IN (1)",
        "tables: {contacts: {keys: [[phone]]}}",
        "public.contacts is partitioned: Postgres makes a unique index on it only with the",
    ),
    "a partition": (
        "DROP TABLE calls, contacts;"
        "CREATE TABLE contacts (id int, workspace_id int, phone text,"
        " PRIMARY KEY (id, workspace_id)) PARTITION BY LIST (workspace_id);"
        "CREATE TABLE contacts_1 PARTITION OF contacts FOR VALUES IN (1)",
        "tables: {contacts_1: {keys: [[phone]]}}",
        "public.contacts_1 is a partition of another table",
    ),
    "inherited": (
        "CREATE TABLE vips (vip int) INHERITS (contacts)",
        MAPPING,
        "public.contacts is a partition of another table, or inherits from or to one",
    ),
    "a key that cannot be compared": (
        "ALTER TABLE contacts ADD data json",
        "tables: {contacts: {keys: [[phone, data]]}}",
        "public.contacts (phone, data) cannot be a key: could not identify an equality operator",
    ),
    "a name that is taken": (
        "CREATE INDEX contacts_phone_workspace_id_unique_idx ON contacts (name)",
        MAPPING,
        "has an index 'contacts_phone_workspace_id_unique_idx' that is not the unique one",
    ),
    "a name that is taken by an index of fewer rows": (
        "CREATE UNIQUE INDEX contacts_phone_workspace_id_unique_idx"
        " ON contacts (phone, workspace_id) WHERE name = 'zzz'",
        MAPPING,
        "has an index 'contacts_phone_workspace_id_unique_idx' that is not the unique one",
    ),
    "a reference of another type": (
        "CREATE TABLE visits (id int PRIMARY KEY, contact text)",
        MAPPING + "    references: [visits.contact]\n",
        "public.visits (contact) cannot be compared with public.contacts: operator does not exist",
    ),
    "equal rows that others refer to": (
        "CREATE TABLE cards (id int PRIMARY KEY, contact_id int UNIQUE REFERENCES contacts);"
        "CREATE TABLE payments (id int PRIMARY KEY, card_id int REFERENCES cards)",
        MAPPING,
        "and public.payments (card_id) refers to public.cards in turn",
    ),
    "a reference by what may be null": (
        "ALTER TABLE contacts ADD CONSTRAINT by_email UNIQUE (email);"
        "CREATE TABLE mails (id int PRIMARY KEY, email text REFERENCES contacts (email))",
        MAPPING,
        "by 'email', which may be null",
    ),
    "a blank in the key of a contract": (
        "CREATE TABLE boards (id int PRIMARY KEY, team_id text, name text);"
        "INSERT INTO boards VALUES (1, 't', ''), (2, 't', '')",
        "tables: {boards: {contract: boards}}",
        "2 rows of public.boards have an empty text in 'name'",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_is_refused_before_anything_changes(name: str, app: App) -> None:
    """In one clear sentence with its remedy, by the report already."""
    change, mapping, sentence = REFUSED[name]
    app.run(CONTACTS + THREE)
    app.run(change)
    assert sentence in app.refusal(mapping)


def test_a_user_who_lacks_a_right_is_told_which(app: App) -> None:
    """And gets through with those that are named."""
    app.run(CONTACTS + THREE)
    url = _user(app)
    name = app.connection.info.dbname + "_user"
    told = app.refusal(url=url)
    database = app.connection.info.dbname
    for part in (
        f"GRANT CREATE ON DATABASE {database} TO {name};",
        f"The user {name} does not own public.contacts, and only an owner adds an index.",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON public.contacts TO {name};",
        f"GRANT CREATE ON SCHEMA public TO {name};",
        f"GRANT SELECT, UPDATE ON public.calls TO {name};",
    ):
        assert part in told
    app.run(f"GRANT CREATE ON DATABASE {database} TO {name}; ALTER TABLE contacts OWNER TO {name}")
    app.run(f"GRANT SELECT, UPDATE ON calls TO {name}; GRANT CREATE ON SCHEMA public TO {name}")
    told = app.refusal(url=url)
    assert "CREATE INDEX ON public.calls (contact_id);" in told
    app.run("CREATE INDEX ON public.calls (contact_id)")
    code, _, err = app.adopt("--apply", "--no-backup", mapping=MAPPING, url=url)
    assert code == 0, err
    assert app.rows("SELECT count(*) FROM contacts") == [(2,)]


def test_rows_that_a_policy_hides_are_not_passed_over(app: App) -> None:
    """A row level policy would leave duplicates that nobody sees."""
    app.run(CONTACTS + THREE)
    url = _user(app, f"CREATE ON DATABASE {app.connection.info.dbname}", "CREATE ON SCHEMA public")
    name = app.connection.info.dbname + "_user"
    app.run(f"ALTER TABLE contacts OWNER TO {name}; GRANT ALL ON calls TO {name}")
    app.run("CREATE INDEX ON calls (contact_id)")
    app.run("ALTER TABLE contacts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    assert "A row level policy hides rows of public.contacts" in app.refusal(url=url)


def test_a_trigger_that_keeps_a_row_stops_the_batch(app: App) -> None:
    """Whole: nothing of it was changed, and the sentence says why."""
    app.run(CONTACTS + THREE)
    app.run(
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER keep BEFORE DELETE ON contacts FOR EACH ROW EXECUTE FUNCTION keep()"
    )
    before = app.rows("SELECT * FROM contacts ORDER BY id"), app.rows("SELECT * FROM calls")
    code, _, err = app.adopt("--apply", "--no-backup", mapping=MAPPING)
    assert code == 1
    assert "2 rows of public.contacts were to go, and 0 went" in err
    assert (
        app.rows("SELECT * FROM contacts ORDER BY id"),
        app.rows("SELECT * FROM calls"),
    ) == before


def test_new_duplicates_are_kept_out_while_old_ones_are_cleaned(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the error of the index that is to come, on inserts and on updates; other rows go in."""
    app.run(CONTACTS + THREE)
    clean = Cleaner.clean
    met: list[str] = []

    def write(cleaner: Cleaner) -> object:
        app.run("INSERT INTO contacts (workspace_id, phone) VALUES (1, '+7')")
        app.run("UPDATE contacts SET phone = phone, name = 'Anna' WHERE id = 1")
        for duplicate in (
            "INSERT INTO contacts (workspace_id, phone) VALUES (1, '+1')",
            "INSERT INTO contacts (workspace_id, phone) VALUES (1, '+8'), (1, '+8')",
            "UPDATE contacts SET workspace_id = 1 WHERE id = 4",
        ):
            with pytest.raises(errors.UniqueViolation) as error:
                app.run(duplicate)
            met.append(str(error.value.diag.constraint_name))
        return clean(cleaner)

    monkeypatch.setattr(Cleaner, "clean", write)
    app.apply()
    assert met == ["contacts_phone_workspace_id_unique_idx"] * 3
    assert app.rows("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal") == []


def test_duplicates_that_came_in_all_the_same_are_cleaned_in_another_round(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a writer whose snapshot is older than the guard: the index cannot be made at first."""
    app.run(CONTACTS + THREE)
    make = indexes.make_unique
    tries: list[str] = []

    def make_late(*arguments: Any) -> str:
        if not tries:
            app.run("SET session_replication_role = replica")
            app.run("INSERT INTO contacts (workspace_id, phone) VALUES (2, '+1')")
            app.run("SET session_replication_role = origin")
        tries.append(make(*arguments))
        return tries[-1]

    monkeypatch.setattr(indexes, "make_unique", make_late)
    app.apply()
    assert tries == ["Key (phone, workspace_id)=(+1, 2) is duplicated.", ""]
    assert app.rows("SELECT id FROM contacts ORDER BY id") == [(3,), (4,)]


def test_an_invalid_index_of_an_earlier_run_is_made_anew(app: App) -> None:
    """As one leaves behind whose making was cut off."""
    app.run(CONTACTS + THREE)
    with pytest.raises(errors.UniqueViolation):
        app.run(
            "CREATE UNIQUE INDEX CONCURRENTLY contacts_phone_workspace_id_unique_idx"
            " ON contacts (phone, workspace_id) WHERE phone <> ''"
        )
    app.apply()
    assert app.rows(
        "SELECT indisvalid FROM pg_index"
        " WHERE indexrelid = 'contacts_phone_workspace_id_unique_idx'::regclass"
    ) == [(True,)]


def test_a_key_that_is_in_force_stays_when_all_is_restored(app: App) -> None:
    """What was there before is not ours to drop."""
    app.run(CONTACTS)
    app.run("CREATE UNIQUE INDEX mine ON contacts (phone, workspace_id)")
    before = app.state()
    app.apply()
    app.restore()
    assert app.state() == before


def test_what_cannot_be_given_back_is_kept_and_told(app: App) -> None:
    """A row whose place is taken, a reference that somebody moved on, one that was deleted."""
    app.run(CONTACTS + THREE)
    app.apply()
    app.run("INSERT INTO contacts (id, phone) OVERRIDING SYSTEM VALUE VALUES (1, 'other')")
    app.run("UPDATE calls SET contact_id = 4 WHERE id = 2")
    told = app.restore()
    left = [(each["table"], each["row"]) for each in told["left"]]
    # Nothing comes to refer to who has the id of the row now.
    assert left == [("public.contacts", "1"), ("public.calls", "1"), ("public.calls", "2")]
    assert told["restored"] == {"removed": 1, "moved": 0, "dropped": 0, "changed": 0}
    assert app.rows("SELECT id, phone FROM contacts ORDER BY id") == [
        (1, "other"),
        (2, "+1"),
        (3, "+1"),
        (4, "+1"),
    ]
    assert app.rows("SELECT id, name FROM leadfold_adopt.removed_contacts") == [(1, "Ann")]
    calls = "SELECT id, contact_id FROM calls ORDER BY id"
    assert app.rows(calls) == [(1, 3), (2, 4), (3, 3), (4, 4)]
    # Once there is room, the same command gives it back; until then it keeps it.
    assert len(app.restore()["left"]) == 3
    app.run("DELETE FROM contacts WHERE phone = 'other'")
    assert [each["row"] for each in app.restore()["left"]] == ["2"]
    assert app.rows("SELECT id, name FROM contacts WHERE id < 3 ORDER BY id") == [
        (1, "Ann"),
        (2, ""),
    ]
    assert app.rows(calls) == [(1, 1), (2, 4), (3, 3), (4, 4)]


def test_a_restore_that_was_cut_off_goes_on(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batch by batch: what is given back is not given back twice."""
    app.run(CONTACTS + THREE)
    app.run("UPDATE contacts SET device_id = 'd'")
    before = app.state()
    app.apply(MAPPING.replace("]]", "], [device_id, phone]]"))
    give_back = restoring.give_back

    def stop_after_one(*arguments: Any) -> object:
        monkeypatch.setattr(restoring, "give_back", _fail)
        return give_back(*arguments)

    monkeypatch.setattr(restoring, "give_back", stop_after_one)
    assert app.adopt("--restore")[0] == 1
    monkeypatch.setattr(restoring, "give_back", give_back)
    assert app.restore()["left"] == []
    assert app.state() == before


def _fail(*_: object) -> object:
    raise ConnectionError("cut off")


def test_references_without_a_foreign_key_move_where_the_mapping_names_them(app: App) -> None:
    """Old applications have many of those."""
    app.run(CONTACTS + THREE)
    app.run("CREATE TABLE visits (id int PRIMARY KEY, contact int);"
            "INSERT INTO visits SELECT id, id FROM contacts")  # fmt: skip
    before = app.state()
    app.apply(MAPPING + "    references: [visits.contact]\n")
    assert app.rows("SELECT * FROM visits ORDER BY id") == [(1, 3), (2, 3), (3, 3), (4, 4)]
    app.restore()
    assert app.state() == before


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("tables: {nobody: {keys: [[phone]]}}", "There is no table 'public.nobody'."),
        (
            "tables: {contacts: {keys: [[fone]]}}",
            "public.contacts has no column 'fone'. Did you mean",
        ),
        ("tables: {contacts: {}}", "'keys' is needed: which columns are to be unique together"),
        ("tables: {contacts: {contract: busineses}}", "Did you mean 'businesses'?"),
        ("tables: {contacts: {contract: boards, keys: [[name]]}}", "'keys' and 'fill' are what"),
        ("tables: {contacts: {key: [[phone]]}}", "tables.contacts.key: Extra inputs"),
        (
            "tables: {contacts: {keys: [[phone]], references: [nothing]}}",
            "'nothing' is no table.column",
        ),
        ("tables: [", "not readable as YAML"),
    ],
)
def test_a_mapping_that_is_wrong_is_refused(text: str, sentence: str, app: App) -> None:
    """With the name and what is near."""
    app.run(CONTACTS)
    code, _, err = app.adopt(mapping=text)
    assert code != 0
    assert sentence in err


def test_rows_are_removed_only_with_a_backup_or_without_one_on_purpose(app: App) -> None:
    """A dump that is whole, new, and has the tables in it."""
    app.run(CONTACTS + THREE)
    dump = app.folder / "dump"

    def say(*arguments: object) -> str:
        code, _, err = app.adopt("--apply", *arguments, mapping=MAPPING)
        return err if code else ""

    head = "--\n-- PostgreSQL database dump\n--\n"
    copied = "COPY public.contacts (id) FROM stdin;\n\\.\n"
    end = "--\n-- PostgreSQL database dump complete\n--\n"
    assert "say --no-backup" in say()
    dump.write_text("id,phone\n")
    assert "is no dump by pg_dump" in say("--backup", dump)
    dump.write_text(head + copied)
    assert "was cut off" in say("--backup", dump)
    dump.write_text(head + end)
    assert "has no rows of public.contacts" in say("--backup", dump)
    dump.write_text(head + copied + end)
    os.utime(dump, (0, 0))
    assert "hours old" in say("--backup", dump)
    os.utime(dump)
    assert app.rows("SELECT count(*) FROM contacts") == [(4,)]
    assert say("--backup", dump) == ""
    assert app.rows("SELECT count(*) FROM contacts") == [(2,)]


@pytest.mark.parametrize("form", ["-Fc", "-Fd", "-Ft", "-Fp", "--inserts"])
def test_every_form_of_a_dump_is_a_backup(app: App, form: str) -> None:
    """As pg_dump writes them; one without rows is none."""
    app.run(CONTACTS + THREE)
    pg_dump = local_postgres.binaries() / "pg_dump"

    def dump(name: str, *more: str) -> Path:
        path = app.folder / name
        subprocess.run([pg_dump, app.url, form, *more, "-f", path], check=True)
        return path

    code, _, err = app.adopt("--apply", "--backup", dump("bare", "--schema-only"), mapping=MAPPING)
    assert (code, "has no rows of public.contacts" in err) == (1, True)
    code, _, err = app.adopt("--apply", "--backup", dump("whole"), mapping=MAPPING)
    assert code == 0, err


def test_the_adopted_tables_are_those_that_the_catalogue_has(app: App) -> None:
    """Quoted names, other schemas, long names, names of columns that are words of SQL."""
    name = "Über Contacts with a name that is as long as Postgres takes"
    app.run(
        f'CREATE SCHEMA "My App"; CREATE TABLE "My App"."{name}" ("select" int PRIMARY KEY,'
        ' "Phone No" text, "order" text);'
        f'CREATE TABLE refs (id int PRIMARY KEY, "from" int REFERENCES "My App"."{name}");'
        f"""INSERT INTO "My App"."{name}" VALUES (1, '+1', NULL), (2, '+1', 'x');"""
        "INSERT INTO refs VALUES (1, 1), (2, 2)"
    )
    before = app.state()
    mapping = f'tables: {{"My App.{name}": {{keys: [["Phone No"]]}}}}'
    app.apply(mapping)
    assert app.rows("SELECT * FROM refs ORDER BY id") == [(1, 2), (2, 2)]
    app.restore()
    assert app.state() == before


def test_the_order_of_the_groups_of_references_is_that_of_the_catalogue(app: App) -> None:
    """Every foreign key is found, once: of partitioned tables too."""
    app.run(CONTACTS)
    app.run(
        "CREATE TABLE logs (id int, contact_id int REFERENCES contacts, PRIMARY KEY (id))"
        " PARTITION BY RANGE (id);"
        "CREATE TABLE logs_1 PARTITION OF logs FOR VALUES FROM (0) TO (10);"
        "CREATE INDEX ON logs (contact_id)"
    )
    tables = read_tables(app.connection)
    references = read_references(app.connection, tables.values())
    told = [each.full_name for each in references if each.parent == tables["public.contacts"].oid]
    assert sorted(told) == ["public.calls (contact_id)", "public.logs (contact_id)"]
    app.run(THREE)
    app.run("INSERT INTO logs SELECT id, id FROM contacts")
    app.apply()
    assert app.rows("SELECT * FROM logs ORDER BY id") == [(1, 3), (2, 3), (3, 3), (4, 4)]


def test_verify_covers_what_was_adopted(app: App) -> None:
    """Each adopted key is tried with a copy of a row; what is wrong with one is told."""
    app.run(CONTACTS + THREE)

    def verify() -> dict[str, Any]:
        done = CliRunner().invoke(leadfold, ["verify", "--database", app.url, "--json"])
        told: dict[str, Any] = json.loads(done.stdout)
        assert done.exit_code == (0 if told["is_well"] else 1)
        return told

    nothing = CliRunner().invoke(leadfold, ["verify", "--database", app.url])
    assert "Nothing was adopted in this database" in str(nothing.exception)
    app.apply()
    before = app.rows("SELECT * FROM contacts ORDER BY id")
    (key,) = verify()["keys"]
    assert (key["table"], key["columns"]) == ("public.contacts", ["phone", "workspace_id"])
    assert (key["refuses_duplicates"], key["is_valid"], key["is_well"]) == (True, True, True)
    assert app.rows("SELECT * FROM contacts ORDER BY id") == before
    app.run("DROP INDEX contacts_phone_workspace_id_unique_idx")
    app.run("INSERT INTO contacts (phone, workspace_id) VALUES ('+1', 1)")
    (key,) = verify()["keys"]
    assert (key["refuses_duplicates"], key["is_there"], key["duplicates"]) == (False, False, 1)
    told = CliRunner().invoke(leadfold, ["verify", "--database", app.url]).stdout
    assert "there is no such unique index" in " ".join(told.split())


def _begin(app: App, sql: str) -> psycopg.Connection:
    """Somebody who has written something, and not committed it yet."""
    other = psycopg.connect(app.url)
    other.execute(sql)  # type: ignore[call-overload]
    return other


def _apply_beside(app: App, other: psycopg.Connection, mapping: str = MAPPING) -> dict[str, Any]:
    """Adopt while another transaction is open, which commits as soon as it is met."""
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(app.apply, mapping)
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'leadfold adopt' AND (wait_event_type = 'Lock'"
            " OR query LIKE '%%xact_start%%')"
        )
        for _ in range(600):
            if app.rows(waiting) != [(0,)] or done.done():
                break
            time.sleep(0.05)
        other.commit()
        other.close()
        return done.result()


def test_what_a_writer_lets_refer_to_another_row_meanwhile_stays(app: App) -> None:
    """Neither moved to the row that stays, nor dropped as a duplicate that it is no more."""
    app.run(CONTACTS + THREE)
    app.run(
        "CREATE TABLE tags (id int PRIMARY KEY, contact_id int REFERENCES contacts, tag text,"
        " UNIQUE (contact_id, tag));"
        "INSERT INTO tags VALUES (1, 2, 'a'), (2, 3, 'a');"
        "CREATE INDEX ON calls (contact_id); CREATE INDEX ON contacts (phone, workspace_id)"
    )
    other = _begin(
        app,
        "UPDATE calls SET contact_id = 4 WHERE id = 2; UPDATE tags SET contact_id = 4 WHERE id = 1",
    )
    _apply_beside(app, other)
    assert app.rows("SELECT id, contact_id FROM calls ORDER BY id")[1] == (2, 4)
    assert app.rows("SELECT * FROM tags ORDER BY id") == [(1, 4, "a"), (2, 3, "a")]


def test_a_reference_that_nothing_checks_follows_when_it_comes_in_meanwhile(app: App) -> None:
    """By a transaction that was open while the row that it names went."""
    app.run(CONTACTS + THREE)
    app.run("CREATE TABLE visits (id int PRIMARY KEY, contact_id int)")
    other = _begin(app, "INSERT INTO visits VALUES (1, 2)")
    _apply_beside(app, other, MAPPING + "    references: [visits.contact_id]\n")
    assert app.rows("SELECT * FROM visits") == [(1, 3)]
    app.restore()
    assert app.rows("SELECT * FROM visits") == [(1, 2)]


@pytest.mark.parametrize("check", ["", "DEFERRABLE INITIALLY DEFERRED"])
def test_one_row_that_cannot_be_given_back_keeps_no_other_back(app: App, check: str) -> None:
    """Its email is somebody else's by now; what referred to it stays with the one that stayed."""
    app.run(CONTACTS)
    app.run("ALTER TABLE contacts ADD UNIQUE (email)")
    app.run(
        "ALTER TABLE calls DROP CONSTRAINT calls_contact_id_fkey,"
        f" ADD CONSTRAINT f FOREIGN KEY (contact_id) REFERENCES contacts {check}"
    )
    app.run(THREE)
    app.apply()
    app.run("INSERT INTO contacts (phone, email) VALUES ('+9', 'ann@x')")
    told = app.restore()
    assert [(each["table"], each["row"]) for each in told["left"]] == [
        ("public.contacts", "2"),
        ("public.calls", "2"),
    ]
    assert app.rows("SELECT id, contact_id FROM calls ORDER BY id") == [
        (1, 1),
        (2, 3),
        (3, 3),
        (4, 4),
    ]
    app.run("DELETE FROM contacts WHERE phone = '+9'")
    assert app.restore()["left"] == []
    assert app.rows("SELECT id, contact_id FROM calls ORDER BY id") == [
        (1, 1),
        (2, 2),
        (3, 3),
        (4, 4),
    ]


def test_rows_that_refer_twice_come_back_as_they_were(app: App) -> None:
    """What was done last is taken back first, also within a batch."""
    app.run(CONTACTS)
    app.run(
        "INSERT INTO contacts (workspace_id, phone, name) VALUES (1, '+1', 'Ann'), (1, '+1', NULL),"
        " (1, '+2', 'Bob'), (1, '+2', NULL);"
        "CREATE TABLE pairs (a int REFERENCES contacts, b int REFERENCES contacts,"
        " PRIMARY KEY (a, b)); INSERT INTO pairs VALUES (2, 4);"
        "CREATE TABLE links (a int REFERENCES contacts, b int REFERENCES contacts, t text,"
        " PRIMARY KEY (a, b)); INSERT INTO links VALUES (2, 4, 'x'), (1, 3, 'y')"
    )
    before = app.state()
    app.apply()
    assert app.rows("SELECT * FROM pairs") == [(1, 3)]
    assert app.rows("SELECT * FROM links") == [(1, 3, "y")]
    assert app.restore()["left"] == []
    assert app.state() == before


def test_many_rows_may_come_in_at_once_while_duplicates_are_kept_out(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard takes no lock for each row: Postgres has room for some thousands in all."""
    app.run(CONTACTS + THREE)
    clean = Cleaner.clean

    def write(cleaner: Cleaner) -> object:
        app.run(
            "INSERT INTO contacts (phone, workspace_id)"
            " SELECT 'n' || n, 1 FROM generate_series(1, 30000) AS n"
        )
        return clean(cleaner)

    monkeypatch.setattr(Cleaner, "clean", write)
    app.apply()
    assert app.rows("SELECT count(*) FROM contacts") == [(30_002,)]


def test_the_guard_runs_nothing_of_those_who_write(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the rights of who adopts: functions of other schemas do not come before Postgres'."""
    app.run(CONTACTS + THREE)
    app.run(
        "CREATE SCHEMA a; CREATE TYPE a.kind AS ENUM ('x');"
        "ALTER TABLE contacts ADD kind a.kind DEFAULT 'x';"
        "CREATE FUNCTION a.bool_of(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT 1/0 = 1';"
        "CREATE OPERATOR a.= (LEFTARG = text, RIGHTARG = text, FUNCTION = a.bool_of);"
        "CREATE OPERATOR a.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = a.bool_of)"
    )
    clean = Cleaner.clean

    def write(cleaner: Cleaner) -> object:
        app.run("INSERT INTO contacts (phone, workspace_id) VALUES ('+55', 1)")
        return clean(cleaner)

    monkeypatch.setattr(Cleaner, "clean", write)
    app.apply("tables: {contacts: {keys: [[phone, kind]]}}")


def test_names_and_conditions_with_percent_signs(app: App) -> None:
    """They mean something to the driver, and nothing to us."""
    app.run(
        'CREATE TABLE contacts (id int PRIMARY KEY, "won %" text, phone text, "100%s" text);'
        'CREATE TABLE faxes (id int PRIMARY KEY, "of %b" int REFERENCES contacts, kind text);'
        "CREATE UNIQUE INDEX ON faxes (\"of %b\") WHERE kind LIKE '%fax%';"
        "INSERT INTO contacts VALUES (1, 'a', '+1', NULL), (2, 'a', '+1', 'b');"
        "INSERT INTO faxes VALUES (1, 1, 'a fax'), (2, 2, 'a fax'), (3, 1, 'b')"
    )
    before = app.state()
    app.apply('tables: {contacts: {keys: [["won %", phone]]}}')
    assert app.rows("SELECT * FROM faxes ORDER BY id") == [(2, 2, "a fax"), (3, 2, "b")]
    assert app.restore()["left"] == []
    assert app.state() == before


def test_what_refers_and_is_kept_as_it_is_stops_the_batch(app: App) -> None:
    """A trigger of the table that refers; the sentence says so, and how to go on or back."""
    app.run(CONTACTS + THREE)
    app.run(
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER keep BEFORE UPDATE ON calls FOR EACH ROW EXECUTE FUNCTION keep()"
    )
    before = app.state()
    code, _, err = app.adopt("--apply", "--no-backup", mapping=MAPPING)
    assert code == 1
    assert "2 rows of public.calls were to refer to the row that stays, and 0 came to" in err
    assert "leadfold adopt --restore to take it back" in err
    app.restore()
    assert app.state() == before


def test_a_key_of_a_run_that_was_cut_off_is_let_go_of_by_another_mapping(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or its guard would keep rows out for ever."""
    app.run(CONTACTS + THREE)
    with monkeypatch.context() as patch:
        patch.setattr(Cleaner, "clean", _fail)
        assert app.adopt("--apply", "--no-backup", mapping=MAPPING)[0] == 1
    assert len(app.rows("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")) == 1
    app.apply("tables: {contacts: {keys: [[device_id, phone]]}}")
    assert app.rows("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal") == []
    app.apply()
    assert app.rows("SELECT count(*) FROM contacts") == [(2,)]


def test_two_tables_whose_names_come_to_the_same_are_kept_apart(app: App) -> None:
    """``public.app_contacts`` and ``app.contacts``."""
    app.run("CREATE SCHEMA app")
    for number, name in enumerate(("app.contacts", "public.app_contacts")):
        app.run(
            f"CREATE TABLE {name} (id int PRIMARY KEY, phone text);"
            f"INSERT INTO {name} VALUES ({number}1, '+1'), ({number}2, '+1')"
        )
    before = app.state()
    app.apply("tables: {app.contacts: {keys: [[phone]]}, app_contacts: {keys: [[phone]]}}")
    assert app.restore()["left"] == []
    assert app.state() == before


def test_a_key_of_lists_has_no_blanks_but_nulls(app: App) -> None:
    """As its index has none."""
    app.run("CREATE TABLE contacts (id int PRIMARY KEY, phones text[])")
    app.run("INSERT INTO contacts VALUES (1, '{}'), (2, '{}'), (3, NULL), (4, NULL), (5, '{a}')")
    app.apply("tables: {contacts: {keys: [[phones]]}}")
    assert app.rows("SELECT id FROM contacts ORDER BY id") == [(1,), (3,), (4,), (5,)]


def test_verify_tries_a_key_beside_other_unique_columns(app: App) -> None:
    """They are left out of the copy, or the key is told as not tried."""
    app.run(CONTACTS)
    app.run("ALTER TABLE contacts ADD ext text UNIQUE, ADD no int NOT NULL UNIQUE DEFAULT 1")
    app.run("INSERT INTO contacts (phone, workspace_id, ext) VALUES ('+1', 1, 'e')")
    app.apply()
    done = CliRunner().invoke(leadfold, ["verify", "--database", app.url, "--json"])
    (key,) = json.loads(done.stdout)["keys"]
    assert (done.exit_code, key["is_well"], key["refuses_duplicates"]) == (0, True, None)
    app.run("ALTER TABLE contacts DROP no")
    done = CliRunner().invoke(leadfold, ["verify", "--database", app.url, "--json"])
    assert json.loads(done.stdout)["keys"][0]["refuses_duplicates"] is True


def test_a_row_that_a_trigger_keeps_out_is_kept(app: App) -> None:
    """An application's own way of not taking duplicates must not lose what comes back."""
    app.run(CONTACTS + THREE)
    before = app.rows("SELECT * FROM contacts ORDER BY id")
    app.apply()
    app.run(
        "CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER skip BEFORE INSERT ON contacts FOR EACH ROW EXECUTE FUNCTION skip()"
    )
    told = app.restore()
    assert {each["why"] for each in told["left"] if each["table"] == "public.contacts"} == {
        "a trigger or rule of the table keeps it out"
    }
    assert app.rows("SELECT id FROM leadfold_adopt.removed_contacts ORDER BY id") == [(1,), (2,)]
    app.run("DROP TRIGGER skip ON contacts")
    assert app.restore()["left"] == []
    assert app.rows("SELECT * FROM contacts ORDER BY id") == before


def test_a_restore_that_was_partial_is_done_once_nothing_stands_in_its_way(app: App) -> None:
    """And harms nothing that was made since."""
    app.run(CONTACTS)
    app.run("CREATE TABLE old (id int PRIMARY KEY, contact_id int REFERENCES contacts)")
    app.run(
        "INSERT INTO contacts (phone, name, email, device_id, last_activity_at, workspace_id)"
        " VALUES ('+1', 'Ann', NULL, NULL, '2024-01-01', 1),"
        " ('+1', NULL, 'a@x', 'd', '2020-01-01', NULL)"
    )
    before = app.rows("SELECT * FROM contacts ORDER BY id")
    app.apply("tables: {contacts: {keys: [[phone]], newest_by: last_activity_at}}")
    app.run("UPDATE contacts SET email = 'mine@x' WHERE id = 1; DROP TABLE old")
    told = app.restore()
    assert ([each["row"] for each in told["left"]], told["restored"]["changed"]) == (["1"], 1)
    app.run("CREATE INDEX contacts_phone_unique_idx ON contacts (phone, id)")
    told = app.restore()
    assert ([each["row"] for each in told["left"]], told["restored"]["changed"]) == (["1"], 0)
    app.run("UPDATE contacts SET email = NULL WHERE id = 1")
    assert app.restore()["left"] == []
    assert app.rows("SELECT * FROM contacts ORDER BY id") == before
    assert app.rows("SELECT indexname FROM pg_indexes WHERE indexname ~ 'phone'") == [
        ("contacts_phone_unique_idx",)
    ]


def test_what_was_restored_in_part_can_be_adopted_again(app: App) -> None:
    """Somebody has cleaned it by hand; what could not be given back is kept all the same."""
    app.run(CONTACTS + THREE)
    app.apply()
    app.run("INSERT INTO contacts (id, phone) OVERRIDING SYSTEM VALUE VALUES (1, 'other')")
    assert app.restore()["left"]
    app.run("UPDATE calls SET contact_id = 3; DELETE FROM contacts WHERE id = 2")
    (key,) = app.apply()["keys"]
    assert (key["removed"], key["is_valid"]) == (0, True)
    assert app.rows("SELECT id, name FROM leadfold_adopt.removed_contacts") == [(1, "Ann")]


def test_references_follow_after_a_run_that_was_cut_off(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index was in force already; what came in late is found all the same."""
    app.run(CONTACTS + THREE)
    app.run("CREATE TABLE visits (id int PRIMARY KEY, contact_id int)")
    mapping = MAPPING + "    references: [visits.contact_id]\n"
    with monkeypatch.context() as patch:
        patch.setattr(adopting, "follow_undeclared", _fail)
        assert app.adopt("--apply", "--no-backup", mapping=mapping)[0] == 1
    app.run("INSERT INTO visits VALUES (1, 2)")
    app.apply(mapping)
    assert app.rows("SELECT * FROM visits") == [(1, 3)]


def test_two_runs_at_once_do_it_once(app: App) -> None:
    """The second waits for the first, and finds nothing left to do."""
    app.run(CONTACTS + THREE)
    (app.folder / "adopt.yaml").write_text(MAPPING)
    command = [sys.executable, "-m", "flows.cli", "adopt", "--database", app.url, "--apply"]
    command += ["--no-backup", "--json", "--mapping", str(app.folder / "adopt.yaml")]
    runs = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for run in runs:
        out, err = run.communicate(timeout=120)
        assert run.returncode == 0, err
        assert json.loads(out)["keys"][0]["removed"] == 2
    assert app.rows("SELECT count(*) FROM leadfold_adopt.batches") == [(1,)]
