"""Writers that are not Leadfold: their edits are noted, and claims follow what they write."""

import re
from datetime import UTC, datetime, timedelta

import polars as pl
import psycopg
import pytest
from psycopg import sql

from transforms.emails import key_emails
from transforms.emails.providers import DOTS_IGNORED, TAGS_IGNORED

GOLDEN = (
    "crm_id", "phone", "email", "honorific", "first_name", "middle_name", "last_name", "suffix",
    "full_name", "profile_name", "company", "job_title", "st_address", "city", "state", "zip",
    "country",
)  # fmt: skip

# ann and ben are as an import leaves them; a lead of ann's states her phone and email, and a
# duplicate of its row another of each. Two people share the office line and its mailbox.
STORED = """
SET leadfold.import_id = 'import_1';
INSERT INTO personas
    (team_id, persona_id, phone, email, city, tags, is_phone_exclusive, import_id, updated_at)
VALUES
    ('acme', 'ann', '+1001', 'ann.lee@gmail.com', 'Rome', '{vip}', true, 'import_1', '2020-01-01'),
    ('acme', 'ben', '+1002', 'ben@x.com', 'Bonn', NULL, true, 'import_1', '2020-01-01'),
    ('acme', 'cat', '+1009', 'info@x.com', NULL, NULL, false, 'import_1', '2020-01-01'),
    ('acme', 'dan', '+1009', 'info@x.com', NULL, NULL, false, 'import_1', '2020-01-01');
INSERT INTO identities (team_id, kind, value, persona_id, is_exclusive) VALUES
    ('acme', 'hubspot', '7', 'ann', true),
    ('acme', 'phone', '+1001', 'ann', true), ('acme', 'email', 'annlee@gmail.com', 'ann', true),
    ('acme', 'phone', '+1003', 'ann', true), ('acme', 'email', 'lee@x.com', 'ann', true),
    ('acme', 'phone', '+1002', 'ben', true), ('acme', 'email', 'ben@x.com', 'ben', true),
    ('acme', 'phone', '+1009', 'cat', false), ('acme', 'email', 'info@x.com', 'cat', false),
    ('acme', 'phone', '+1009', 'dan', false), ('acme', 'email', 'info@x.com', 'dan', false);
INSERT INTO leads (team_id, lead_id, source, source_file, source_record_id, persona_id,
    phones, emails, claims, lead_status, import_id, updated_at)
VALUES ('acme', 'lead_ann', 'hubspot', 'hubspot/acme', '7', 'ann', '{+1001}', '{ann.lee@gmail.com}',
    '{phone=+1003,email=lee@x.com}', 'new', 'import_1', '2020-01-01');
RESET leadfold.import_id;
"""

Row = tuple[object, ...]


@pytest.fixture
def people(connection: psycopg.Connection) -> psycopg.Connection:
    """The test's database, with four people in it."""
    connection.execute(STORED)
    return connection


def rows(connection: psycopg.Connection, query: str) -> list[Row]:
    return connection.execute(query.encode()).fetchall()


def one(connection: psycopg.Connection, query: str) -> object:
    ((value,),) = rows(connection, query)
    return value


def edited(connection: psycopg.Connection, persona_id: str = "ann") -> list[str] | None:
    """The fields that count as edited, None where the column is null."""
    query = f"SELECT edited_fields FROM personas WHERE persona_id = '{persona_id}'"
    fields = one(connection, query)
    assert fields is None or (isinstance(fields, dict) and fields)
    return None if fields is None else sorted(fields)


def claims(connection: psycopg.Connection, persona_id: str) -> list[str]:
    """``kind=value`` of each claim that a persona holds, `` shared`` behind the non-exclusive.

    The row of the persona says the same.
    """
    held, listed = (
        rows(
            connection,
            "SELECT kind || '=' || value || CASE WHEN is_exclusive THEN '' ELSE ' shared' END"
            f" FROM {table} WHERE persona_id = '{persona_id}' ORDER BY 1",
        )
        for table in ("identities", "persona_claims")
    )
    assert held == listed
    return [str(claim) for (claim,) in held]


def everything(connection: psycopg.Connection) -> list[list[Row]]:
    return [
        rows(connection, f"SELECT xmin::text, t::text FROM {table} AS t ORDER BY 2")
        for table in ("personas", "identities", "leads")
    ]


ANN = ["email=annlee@gmail.com", "email=lee@x.com", "hubspot=7", "phone=+1001", "phone=+1003"]


@pytest.mark.parametrize(
    ("edits", "fields"),
    [
        (["city = 'Oslo'"], ["city"]),
        (["city = 'Oslo', zip = '1', tags = '{a,b}'"], ["city", "tags", "zip"]),
        (["city = 'Oslo'", "zip = '1'"], ["city", "zip"]),
        # A form that writes every field edits those that differ.
        (["city = 'Rome', zip = NULL, tags = '{vip}', company = 'X'"], ["company"]),
        (["city = 'Oslo'", "city = 'Rome'"], ["city"]),
        (["city = 'Rome'"], None),
        (["city = ''"], None),
        (["city = NULL, zip = '1'"], ["zip"]),
        (["tags = '{}'"], None),
        (["city = 'Oslo', zip = '1'", "city = ''"], ["zip"]),
        (["city = 'Oslo', zip = '1'", "city = NULL, zip = ''"], None),
        (["city = 'Oslo'", "city = ''", "city = 'Rome'"], ["city"]),
        # What is nobody's field by hand.
        (["is_ended = true, created_at = now()"], None),
        # Whoever writes the notes himself is not believed.
        (["""city = 'Oslo', edited_fields = '{"zip": "x"}'"""], ["city"]),
        (["city = 'Oslo'", "edited_fields = NULL"], ["city"]),
        (["city = 'Oslo'", "edited_fields = '{}', zip = '1'"], ["city", "zip"]),
    ],
)
def test_which_fields_count_as_edited(
    people: psycopg.Connection, edits: list[str], fields: list[str] | None
) -> None:
    """A field that is changed by hand is edited while it has a value; blanks free it."""
    for edit in edits:
        people.execute(f"UPDATE personas SET {edit} WHERE persona_id = 'ann'".encode())
    assert edited(people) == fields
    assert edited(people, "ben") is None


@pytest.mark.parametrize("field", GOLDEN)
def test_each_golden_field_is_watched(people: psycopg.Connection, field: str) -> None:
    """Every field of the golden record counts as edited when a hand fills it, and can be freed."""
    change = sql.SQL("UPDATE personas SET {} = %s WHERE persona_id = 'ann'")
    people.execute(change.format(sql.Identifier(field)), ["a@b.com"])
    assert edited(people) == [field]
    people.execute(change.format(sql.Identifier(field)), [""])
    assert edited(people) is None
    assert one(people, f"SELECT {field} FROM personas WHERE persona_id = 'ann'") is None


def test_no_golden_field_is_forgotten(people: psycopg.Connection) -> None:
    """A column that personas get later is watched, or named here as none of the golden record."""
    columns = rows(
        people,
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name = 'personas'",
    )
    assert {str(name) for (name,) in columns} - {*GOLDEN, "tags"} == {
        "team_id", "persona_id", "is_phone_exclusive", "merged_into", "is_ended", "edited_fields",
        "claims", "shared_claims", "import_id", "created_at", "updated_at",
    }  # fmt: skip


@pytest.mark.parametrize("blank", ["city = ''", "tags = '{}'"])
def test_blanks_are_stored_as_null(people: psycopg.Connection, blank: str) -> None:
    """An empty text and an empty list leave nothing behind that a source could not fill."""
    people.execute(f"UPDATE personas SET {blank} WHERE persona_id = 'ann'".encode())
    field = blank.split()[0]
    assert one(people, f"SELECT {field} FROM personas WHERE persona_id = 'ann'") is None


def test_the_time_of_an_edit(people: psycopg.Connection) -> None:
    """It is the clock's, in UTC whatever the writer's time zone; a later edit of a field wins."""
    people.execute("SET TIME ZONE 'Asia/Tokyo'")
    query = "SELECT edited_fields ->> 'city' FROM personas WHERE persona_id = 'ann'"
    times = []
    with people.transaction():
        for city in ("Oslo", "Pisa"):
            people.execute("UPDATE personas SET city = %s WHERE persona_id = 'ann'", [city])
            times.append(str(one(people, query)))
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", time) for time in times)
    assert times[0] < times[1]
    assert abs(datetime.now(UTC) - datetime.fromisoformat(times[1])) < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("edit", "is_new"),
    [
        ("city = 'Oslo'", True),
        ("is_ended = true", True),
        ("city = 'Rome'", False),
        ("zip = '', tags = '{vip}'", False),
        ("updated_at = '2021-01-01'", False),
    ],
)
def test_updated_at_follows_a_change(people: psycopg.Connection, edit: str, is_new: bool) -> None:
    """A row that a hand changes says when; one that is written as it was does not."""
    people.execute(f"UPDATE personas SET {edit} WHERE persona_id = 'ann'".encode())
    query = "SELECT updated_at > '2021-01-01' FROM personas WHERE persona_id = 'ann'"
    assert one(people, query) is is_new


def test_a_row_from_outside(people: psycopg.Connection) -> None:
    """It needs no id and no import, and counts as edited in every field that it fills."""
    people.execute(
        "INSERT INTO personas (team_id, phone, email, city, zip, tags, import_id, edited_fields)"
        " VALUES ('acme', '+1005', 'Eva.Doe+x@GMail.com', 'Linz', '', '{}', NULL, '{\"zip\": 1}')"
    )
    ((persona_id, zip_code, tags, import_id),) = rows(
        people, "SELECT persona_id, zip, tags, import_id FROM personas WHERE city = 'Linz'"
    )
    assert (zip_code, tags, import_id) == (None, None, "")
    assert edited(people, str(persona_id)) == ["city", "email", "phone"]
    assert claims(people, str(persona_id)) == ["email=evadoe@gmail.com", "phone=+1005"]


def test_ids_made_for_rows_from_outside(people: psycopg.Connection) -> None:
    """They are prefixed ULIDs: Crockford's base 32, the time first, and no two alike."""
    before = datetime.now(UTC)
    people.execute("INSERT INTO personas (team_id) SELECT 'acme' FROM generate_series(1, 500)")
    ids = [str(i) for (i,) in rows(people, "SELECT persona_id FROM personas WHERE import_id = ''")]
    assert len(set(ids)) == 500
    letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    times = set()
    for persona_id in ids:
        assert re.fullmatch(f"persona_[{letters}]{{26}}", persona_id)
        digits = [letters.index(letter) for letter in persona_id[8:18]]
        times.add(sum(digit << 5 * place for place, digit in enumerate(reversed(digits))))
    least = before.timestamp() * 1000 - 1000
    assert least <= min(times) <= max(times) <= least + 60_000
    # Each of the 16 random places takes every letter.
    assert all(len({i[place] for i in ids}) == 32 for place in range(18, 34))


@pytest.mark.parametrize("change", ["persona_id = 'eve'", "team_id = 'other'"])
def test_the_key_of_a_persona_stays(people: psycopg.Connection, change: str) -> None:
    """Leads and claims refer to a persona by team and id; the writer is told so."""
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation) as caught:
        people.execute(f"UPDATE personas SET {change} WHERE persona_id = 'ann'".encode())
    assert caught.value.diag.message_primary == (
        "The team and the id of a persona cannot be changed (ann of team acme)."
    )


@pytest.mark.parametrize(
    ("persona_id", "edit", "held"),
    [
        # Nobody but the persona stated the old value.
        ("ben", "phone = '+1005'", ["email=ben@x.com", "phone=+1005"]),
        ("ben", "phone = ''", ["email=ben@x.com"]),
        ("ben", "phone = NULL", ["email=ben@x.com"]),
        ("ben", "email = 'b@y.com'", ["email=b@y.com", "phone=+1002"]),
        ("ben", "phone = '+1005', email = ''", ["phone=+1005"]),
        # A lead states it: it still identifies the person.
        ("ann", "phone = '+1005'", sorted([*ANN, "phone=+1005"])),
        ("ann", "phone = NULL, email = NULL", ANN),
        ("ann", "email = 'a@y.com'", sorted([*ANN, "email=a@y.com"])),
        # A second number of hers becomes the first.
        ("ann", "phone = '+1003', email = 'lee@x.com'", ANN),
        # Two spellings of one mailbox.
        ("ann", "email = 'a.nn.lee+news@googlemail.com'", ANN),
        ("ann", "email = ' Ann.Lee@GMAIL.com '", ANN),
        ("ben", "email = 'b.en@x.com'", ["email=b.en@x.com", "phone=+1002"]),
        ("ben", "email = 'none yet'", ["phone=+1002"]),
        # Nothing about claims.
        ("ann", "city = 'Oslo', crm_id = '8'", ANN),
        # Shared values.
        ("ben", "phone = '+1009'", ["email=ben@x.com", "phone=+1009 shared"]),
        ("ben", "email = 'info@x.com'", ["email=info@x.com shared", "phone=+1002"]),
        ("cat", "phone = '+1005'", ["email=info@x.com shared", "phone=+1005"]),
        ("cat", "is_phone_exclusive = true", ["email=info@x.com shared", "phone=+1009 shared"]),
        ("ben", "is_phone_exclusive = false", ["email=ben@x.com", "phone=+1002 shared"]),
        # A persona that another took over identifies nobody.
        ("ann", "merged_into = 'ben'", []),
        ("ann", "merged_into = 'ben', phone = '+1005'", []),
    ],
)
def test_claims_follow_an_edit(
    people: psycopg.Connection, persona_id: str, edit: str, held: list[str]
) -> None:
    """A new value is claimed in the same statement; the old one stays only where a lead states it.

    ``is_phone_exclusive`` says the same in both tables.
    """
    people.execute(f"UPDATE personas SET {edit} WHERE persona_id = '{persona_id}'".encode())
    assert claims(people, persona_id) == held
    differing = rows(
        people,
        "SELECT persona_id FROM personas AS p JOIN identities AS i USING (team_id, persona_id)"
        " WHERE i.kind = 'phone' AND i.value = p.phone AND i.is_exclusive <> p.is_phone_exclusive",
    )
    assert differing == []


@pytest.mark.parametrize("column", ["phones", "claims"])
def test_what_a_lead_states_stays(people: psycopg.Connection, column: str) -> None:
    """A phone stays a claim if a lead has it in a column of its own or from a duplicate row."""
    stated = {"phones": "{+1002}", "claims": "{phone=+1002}"}[column]
    people.execute("UPDATE leads SET phones = '{}', claims = NULL")
    change = sql.SQL("UPDATE leads SET persona_id = 'ben', {} = %s").format(sql.Identifier(column))
    people.execute(change, [stated])
    people.execute("UPDATE personas SET phone = '+1005' WHERE persona_id = 'ben'")
    assert claims(people, "ben") == ["email=ben@x.com", "phone=+1002", "phone=+1005"]
    # What the leads of another person or another team state is no reason.
    people.execute("UPDATE leads SET persona_id = 'ann', phones = '{+1005}'")
    people.execute(
        "INSERT INTO leads (team_id, lead_id, source, source_file, source_record_id, persona_id,"
        " phones, import_id) VALUES ('other', 'l', 's', 's/a', '1', 'ben', '{+1005}', 'import_1')"
    )
    people.execute("UPDATE personas SET phone = NULL WHERE persona_id = 'ben'")
    assert claims(people, "ben") == ["email=ben@x.com", "phone=+1002"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE personas SET phone = '+1001' WHERE persona_id = 'ben'",
        # Her second number, which no unique index of personas knows.
        "UPDATE personas SET phone = '+1003' WHERE persona_id = 'ben'",
        "UPDATE personas SET email = 'An.Nlee+1@gmail.com' WHERE persona_id = 'ben'",
        "UPDATE personas SET email = 'LEE@x.com', city = 'Oslo' WHERE persona_id = 'ben'",
        "INSERT INTO personas (team_id, phone) VALUES ('acme', '+1003')",
        "INSERT INTO personas (team_id, email) VALUES ('acme', 'lee@x.com')",
        "INSERT INTO personas (team_id, email) VALUES ('acme', 'e@x.com'), ('acme', 'E@x.com')",
        "INSERT INTO personas (team_id, phone) VALUES ('acme', '+1'), ('acme', '+1')",
        # Calling a number shared does not make it so.
        "INSERT INTO personas (team_id, phone, is_phone_exclusive) VALUES ('acme', '+1003', false)",
        "UPDATE personas SET phone = '+1001', is_phone_exclusive = false WHERE persona_id = 'ben'",
        "UPDATE personas SET phone = '+1003' WHERE persona_id = 'cat'",
    ],
)
def test_a_claim_of_another_is_refused(people: psycopg.Connection, statement: str) -> None:
    """One claim, one persona, against every writer; and what is refused changed nothing."""
    before = everything(people)
    with pytest.raises(psycopg.errors.UniqueViolation):
        people.execute(statement.encode())
    assert everything(people) == before


def test_a_claim_is_free_when_its_holder_lets_go(people: psycopg.Connection) -> None:
    """A number that nobody's lead states moves from one person to another by two edits."""
    people.execute("UPDATE personas SET phone = NULL WHERE persona_id = 'ben'")
    people.execute("UPDATE personas SET phone = '+1002' WHERE persona_id = 'ann'")
    assert claims(people, "ann") == sorted([*ANN, "phone=+1002"])


def test_teams_never_mix(people: psycopg.Connection) -> None:
    """Another team may hold the same values, alone, and loses none when a persona here does."""
    people.execute(
        "INSERT INTO personas (team_id, persona_id, phone, email)"
        " VALUES ('other', 'zoe', '+1001', 'annlee@gmail.com'), ('other', 'yan', '+1009', NULL),"
        " ('other', 'ben', '+1002', 'ben@x.com')"
    )
    assert claims(people, "zoe") == ["email=annlee@gmail.com", "phone=+1001"]
    assert claims(people, "yan") == ["phone=+1009"]
    people.execute("UPDATE personas SET phone = NULL WHERE persona_id = 'ben' AND team_id = 'acme'")
    people.execute("DELETE FROM personas WHERE persona_id = 'ben' AND team_id = 'acme'")
    assert claims(people, "ben") == ["email=ben@x.com", "phone=+1002"]


def test_a_shared_phone_may_be_had_by_many(people: psycopg.Connection) -> None:
    """A person from outside joins a shared line; a number of his own is his alone again."""
    query = "SELECT is_phone_exclusive FROM personas WHERE persona_id = 'eve'"
    people.execute(
        "INSERT INTO personas (team_id, persona_id, phone) VALUES ('acme', 'eve', '+1009')"
    )
    assert claims(people, "eve") == ["phone=+1009 shared"]
    assert one(people, query) is False
    people.execute("UPDATE personas SET phone = '+1005' WHERE persona_id = 'eve'")
    assert claims(people, "eve") == ["phone=+1005"]
    assert one(people, query) is True


BEN = ["email=ben@x.com", "phone=+1002"]


@pytest.mark.parametrize(
    ("change", "held"),
    [
        (
            "INSERT INTO identities VALUES ('acme', 'phone', '+1005', 'ben', true)",
            [*BEN, "phone=+1005"],
        ),
        (
            "INSERT INTO identities VALUES ('acme', 'phone', '+1009', 'ben', false)",
            [*BEN, "phone=+1009 shared"],
        ),
        (
            "UPDATE identities SET value = '+1=6' WHERE value = '+1002'",
            ["email=ben@x.com", "phone=+1=6"],
        ),
        (
            "UPDATE identities SET is_exclusive = false WHERE value = '+1002'",
            ["email=ben@x.com", "phone=+1002 shared"],
        ),
        ("UPDATE identities SET persona_id = 'dan' WHERE value = '+1002'", ["email=ben@x.com"]),
        (
            "UPDATE identities SET persona_id = 'ben' WHERE value = 'lee@x.com'",
            ["email=lee@x.com", *BEN],
        ),
        ("UPDATE identities SET kind = kind", BEN),
        ("DELETE FROM identities WHERE persona_id = 'ben'", []),
        ("DELETE FROM personas WHERE persona_id IN ('ben', 'cat')", []),
        ("UPDATE personas SET claims = '{}', shared_claims = '{phone=+1002}'", BEN),
    ],
)
def test_what_a_persona_holds_is_listed_with_it(
    people: psycopg.Connection, change: str, held: list[str]
) -> None:
    """Whoever writes to identities, and whatever; the list itself is nobody's to edit."""
    people.execute(change.encode())
    assert claims(people, "ben") == sorted(held)
    for persona_id in ("ann", "cat", "dan"):
        claims(people, persona_id)
    phones = "SELECT persona_id, normalized_number, is_exclusive FROM persona_phones ORDER BY 1, 2"
    alike = phones.replace("normalized_number", "value").replace("persona_phones", "identities")
    assert rows(people, phones) == rows(
        people, alike.replace(" ORDER", " WHERE kind = 'phone' ORDER")
    )


def test_a_kind_can_be_told_from_its_value(people: psycopg.Connection) -> None:
    """A claim is listed as kind=value, and with somebody."""
    with pytest.raises(psycopg.errors.CheckViolation, match="The kind of a claim has no = in it"):
        people.execute("INSERT INTO identities VALUES ('acme', 'a=b', 'c', 'ben', true)")
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="no persona eve of team acme"):
        people.execute("INSERT INTO identities VALUES ('acme', 'a', 'c', 'eve', true)")


def test_a_persona_that_is_copied_back_lists_what_it_holds(people: psycopg.Connection) -> None:
    """Of what its copy lists, those claims that are there."""
    people.execute("CREATE TEMP TABLE kept AS SELECT * FROM personas")
    expected = {each: claims(people, each) for each in ("ann", "ben", "cat", "dan")}
    people.execute("SET session_replication_role = replica")
    people.execute("DELETE FROM personas")
    people.execute("RESET session_replication_role")
    people.execute("UPDATE kept SET claims = claims || '{phone=+1002,phone=+1999}'")
    people.execute("INSERT INTO personas SELECT * FROM kept")
    assert {each: claims(people, each) for each in expected} == expected


def test_a_merge_taken_back_by_hand(people: psycopg.Connection) -> None:
    """A persona that is live again holds its phone and email; a number now shared it shares."""
    people.execute("UPDATE personas SET merged_into = 'ann' WHERE persona_id IN ('ben', 'cat')")
    assert claims(people, "ben") == []
    people.execute("UPDATE personas SET city = 'Oslo' WHERE persona_id = 'ben'")
    assert claims(people, "ben") == []
    people.execute(
        "INSERT INTO personas (team_id, phone, is_phone_exclusive) VALUES ('acme', '+1002', false)"
    )
    people.execute("UPDATE personas SET merged_into = NULL WHERE persona_id IN ('ben', 'cat')")
    assert claims(people, "ben") == ["email=ben@x.com", "phone=+1002 shared"]
    assert claims(people, "cat") == ["email=info@x.com shared", "phone=+1009 shared"]


def test_a_deleted_persona(people: psycopg.Connection) -> None:
    """All its claims go with it, also those that its leads state; the leads stay."""
    people.execute("DELETE FROM personas WHERE persona_id = 'ann'")
    assert claims(people, "ann") == []
    assert claims(people, "ben") == ["email=ben@x.com", "phone=+1002"]
    assert rows(people, "SELECT lead_id, persona_id FROM leads") == [("lead_ann", "ann")]


OURS = (
    "UPDATE personas SET city = '', phone = '+1005' WHERE persona_id = 'ann'",
    "UPDATE personas SET persona_id = 'eve' WHERE persona_id = 'ann'",
    "INSERT INTO personas (team_id, persona_id, phone, import_id)"
    " VALUES ('acme', 'eva', '+1003', 'import_2')",
    "DELETE FROM personas WHERE persona_id = 'ben'",
    "UPDATE leads SET lead_status = 'won'",
)


@pytest.mark.parametrize("is_local", [False, True])
def test_nothing_happens_while_an_import_writes(people: psycopg.Connection, is_local: bool) -> None:
    """Plans state edits and claims themselves: their rows are stored as they are written."""
    held = rows(people, "SELECT * FROM identities ORDER BY 1, 2, 3, 4")
    with people.transaction():
        people.execute(
            "SELECT set_config('leadfold.import_id', 'import_2', %(local)s)", {"local": is_local}
        )
        for statement in OURS:
            people.execute(statement.encode())
    assert rows(people, "SELECT * FROM identities ORDER BY 1, 2, 3, 4") == held
    assert rows(
        people,
        "SELECT persona_id, city, phone, edited_fields, updated_at = '2020-01-01', import_id"
        " FROM personas WHERE persona_id IN ('eve', 'eva', 'ben') ORDER BY 1",
    ) == [
        ("eva", None, "+1003", None, False, "import_2"),
        ("eve", "", "+1005", None, True, "import_1"),
    ]
    assert rows(people, "SELECT edited_fields, updated_at = '2020-01-01' FROM leads") == [
        (None, True)
    ]


@pytest.mark.parametrize("is_committed", [True, False])
def test_hands_are_noticed_again_after_an_import(
    people: psycopg.Connection, is_committed: bool
) -> None:
    """On the same connection, once the import's transaction is over, whichever way."""
    with people.transaction(force_rollback=not is_committed):
        people.execute("SET LOCAL leadfold.import_id = 'import_2'")
        people.execute("UPDATE personas SET zip = '1' WHERE persona_id = 'ann'")
    people.execute("UPDATE personas SET city = 'Oslo', phone = '+1005' WHERE persona_id = 'ann'")
    people.execute("UPDATE leads SET lead_status = 'won'")
    assert edited(people) == ["city", "phone"]
    assert claims(people, "ann") == sorted([*ANN, "phone=+1005"])
    assert one(people, "SELECT edited_fields ? 'lead_status' FROM leads") is True


@pytest.mark.parametrize(
    ("edits", "status", "is_edited", "is_new"),
    [
        (["lead_status = 'won'"], "won", True, True),
        (["lead_status = 'won'", "lead_status = 'new'"], "new", True, True),
        (["lead_status = 'won'", "lead_status = ''"], None, False, True),
        (["lead_status = NULL"], None, False, True),
        (["lead_status = 'new'"], "new", False, False),
        (["niche = 'roofs'"], "new", False, True),
        (["edited_fields = '{\"lead_status\": 1}'"], "new", False, False),
        (["fields = fields, phones = '{+1001}'"], "new", False, False),
    ],
)
def test_a_status_set_by_hand(
    people: psycopg.Connection, edits: list[str], status: str | None, is_edited: bool, is_new: bool
) -> None:
    """The status of a lead counts as edited while it has a value; nothing else of it does."""
    for edit in edits:
        people.execute(f"UPDATE leads SET {edit}".encode())
    ((stored, keys, is_updated),) = rows(
        people,
        "SELECT lead_status, ARRAY(SELECT jsonb_object_keys(edited_fields)),"
        " updated_at > '2021-01-01' FROM leads",
    )
    assert (stored, keys, is_updated) == (status, ["lead_status"] if is_edited else [], is_new)
    assert one(people, "SELECT count(*) FROM leads WHERE edited_fields = '{}'") == 0


def test_a_writers_search_path_does_not_matter(people: psycopg.Connection) -> None:
    """The triggers find our tables though the writer's path hides them behind others."""
    people.execute(
        "CREATE SCHEMA decoy; CREATE TABLE decoy.identities (LIKE identities);"
        "CREATE TEMP TABLE leads (LIKE leads); SET search_path = decoy"
    )
    people.execute("UPDATE public.personas SET phone = '+1005' WHERE persona_id = 'ann'")
    people.execute("INSERT INTO public.personas (team_id, phone) VALUES ('acme', '+1006')")
    people.execute("SET search_path = public")
    assert one(people, "SELECT count(*) FROM decoy.identities") == 0
    assert claims(people, "ann") == sorted([*ANN, "phone=+1005"])


MAILBOXES = ("ann.lee", "a.n.n.lee+x.y+z", "+tag.x", "annlee", "ann+", "o'brien_-.1", "jürgen.ü+é")
DOMAINS = sorted(
    {"example.com", "yahoo.com", "aol.com", "gmail.com.br", "mygmail.com", "mail.gmail.com"}
    | {"hotmail.co.uk", "xn--bcher-kva.ch"}
    | DOTS_IGNORED
    | TAGS_IGNORED
)


@pytest.mark.parametrize("domain", DOMAINS)
def test_email_keys_are_those_of_imports(connection: psycopg.Connection, domain: str) -> None:
    """Postgres and Python take the same addresses for one mailbox, at every provider we know."""
    addresses = [f"{mailbox}@{domain}" for mailbox in MAILBOXES]
    keys = key_emails(pl.Series(addresses)).to_list()
    made = connection.execute(
        "SELECT leadfold_email_key(a), leadfold_email_key(leadfold_email_key(a)),"
        " leadfold_email_key(' ' || upper(a COLLATE \"C\") || E'\\t')"
        " FROM unnest(%s::text[]) WITH ORDINALITY AS t (a, n) ORDER BY n",
        [addresses],
    ).fetchall()
    assert made == [(key, key, key) for key in keys]


def test_no_provider_is_known_to_postgres_alone(connection: psycopg.Connection) -> None:
    """Its list holds no domain that providers.py does not."""
    source = str(one(connection, "SELECT prosrc FROM pg_proc WHERE proname = 'leadfold_email_key'"))
    named = set(re.findall(r"'([a-z]+\.[a-z.]+)'", source))
    assert named == TAGS_IGNORED | DOTS_IGNORED


@pytest.mark.parametrize("text", ["", " ", "none yet", "@x.com", "ann@", None])
def test_what_is_no_address_has_no_key(connection: psycopg.Connection, text: str | None) -> None:
    """It identifies nobody, so that two people may both have it."""
    assert connection.execute("SELECT leadfold_email_key(%s)", [text]).fetchone() == (None,)


OPT_OUTS = """
INSERT INTO opt_outs (team_id, kind, value, channel, source_file, stated_at, import_id) VALUES
    ('acme', 'phone', '+1009', 'sms', 'hubspot/acme', '2024-05-01', 'import_2'),
    ('acme', 'phone', '+1009', 'sms', 'generic/stop.csv', '2024-03-01', 'import_3'),
    ('acme', 'phone', '+1009', 'phone', 'hubspot/acme', NULL, 'import_2'),
    ('acme', 'phone', '+1003', 'phone', 'hubspot/acme', NULL, 'import_4'),
    ('acme', 'phone', '+1003', 'phone', 'generic/stop.csv', '2024-06-01', 'import_5'),
    ('acme', 'record', '7', 'email', 'hubspot/acme', '2024-07-01', 'import_6'),
    ('acme', 'email', 'annlee@gmail.com', 'email', 'generic/stop.csv', '2024-08-01', 'import_7'),
    -- Of nobody whom we know: another record, another list, another kind, another team.
    ('acme', 'record', '8', 'email', 'hubspot/acme', NULL, 'import_8'),
    ('acme', 'record', '7', 'sms', 'generic/list.csv', NULL, 'import_8'),
    ('acme', 'email', '+1002', 'email', 'hubspot/acme', NULL, 'import_8'),
    ('other', 'phone', '+1002', 'sms', 'hubspot/other', NULL, 'import_8');
"""


def test_whom_opt_outs_cover(people: psycopg.Connection) -> None:
    """All who hold the value, and the record's person: one row a channel, by the earliest."""
    people.execute(OPT_OUTS)
    assert rows(
        people,
        "SELECT persona_id, channel, (stated_at AT TIME ZONE 'UTC')::date::text, import_id"
        " FROM persona_opt_outs WHERE team_id = 'acme' ORDER BY 1, 2",
    ) == [
        ("ann", "email", "2024-07-01", "import_6"),
        ("ann", "phone", "2024-06-01", "import_5"),
        ("cat", "phone", None, "import_2"),
        ("cat", "sms", "2024-03-01", "import_3"),
        ("dan", "phone", None, "import_2"),
        ("dan", "sms", "2024-03-01", "import_3"),
    ]
    assert rows(people, "SELECT * FROM persona_opt_outs WHERE team_id = 'other'") == []


def test_an_opt_out_covers_whoever_takes_the_value(people: psycopg.Connection) -> None:
    """A number that opted out and is put in by hand elsewhere is covered there at once."""
    people.execute(OPT_OUTS)
    people.execute("UPDATE personas SET phone = '+1009' WHERE persona_id = 'ben'")
    query = "SELECT channel FROM persona_opt_outs WHERE persona_id = 'ben' ORDER BY 1"
    assert rows(people, query) == [("phone",), ("sms",)]
