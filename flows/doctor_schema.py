"""What ``leadfold doctor`` asks of the schema: that all is there on which the promises rest."""

import re
from collections.abc import Iterator
from typing import LiteralString

import psycopg

from flows.checks import Finding, join
from flows.warehouse import list_pending, read_migrations

_LINE = re.compile(
    r"CREATE TABLE (?P<table>\w+)|CREATE UNIQUE INDEX (?P<index>\w+)"
    r"|CREATE TRIGGER (?P<trigger>\w+)|DROP TRIGGER (?P<off>\w+)|.*DROP CONSTRAINT (?P<dropped>\w+)"
    r"|ALTER INDEX (?P<old>\w+) RENAME TO (?P<new>\w+)"
    r"|.*CONSTRAINT (?P<constraint>\w+)|    (?P<column>\w+) .*(?P<inline>UNIQUE|PRIMARY KEY)"
    r"|    PRIMARY KEY (?P<key>)"
)
_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
# So many claims are looked up; each takes two looks into an index.
_SAMPLE = 10_000


def check_migrations(connection: psycopg.Connection) -> Iterator[Finding]:
    """Whether the schema is this version's; what is missing is not applied.

    Raises:
        MigrationError: It is another version's.
    """
    if pending := list_pending(connection, read_migrations()):
        says = f"Not applied yet: {join(pending)}."
        yield Finding("database", "warning", says, "The next command does so, or: leadfold migrate")
    else:
        yield Finding("database", "ok", "The schema is up to date.")


def check_rights(connection: psycopg.Connection) -> Iterator[Finding]:
    """Whether the user may read and write every table, and make tables of its own."""
    missing = [
        f"{right} on {table}"
        for table in list_made()["table"]
        for right in _RIGHTS
        if not _may(connection, f"has_table_privilege('public.{table}', '{right}')")
    ]
    for right, asked in (
        ("CREATE on schema public", "has_schema_privilege('public', 'CREATE')"),
        ("TEMPORARY on the database", "has_database_privilege(current_database(), 'TEMP')"),
    ):
        if not _may(connection, asked):
            missing.append(right)
    user = connection.info.user
    if missing:
        yield Finding(
            *("database", "wrong", f"User {user} lacks rights: {join(missing)}."),
            "Let the owner of the tables grant them, or be the user in LEADFOLD_DATABASE_URL.",
        )
    else:
        yield Finding("database", "ok", f"User {user} has the rights that are needed.")


def check_promises(connection: psycopg.Connection) -> Iterator[Finding]:
    """Whether all that makes Postgres refuse what is wrong is there, valid and switched on."""
    faults = [*_check_indexes(connection), *_check_constraints(connection)]
    faults += _check_triggers(connection)
    yield from faults
    if not faults:
        yield Finding("database", "ok", "Every constraint, unique index and trigger is in force.")


def check_claims(connection: psycopg.Connection) -> Iterator[Finding]:
    """Whether claims belong to people who are there, and are listed with them: a sample of each."""
    looked, astray, twice, unlisted = connection.execute(
        "SELECT count(*), count(*) FILTER ("  # noqa: S608
        "  WHERE p.persona_id IS NULL OR p.merged_into IS NOT NULL), count(*) FILTER ("
        "  WHERE EXISTS (SELECT FROM identities AS o WHERE o.team_id = i.team_id"
        "   AND o.kind = i.kind AND o.value = i.value AND o.persona_id = i.persona_id"
        "   AND o.is_exclusive <> i.is_exclusive)), count(*) FILTER ("
        "  WHERE p.merged_into IS NULL AND NOT (i.kind || '=' || i.value = ANY (p.claims)"
        "   AND i.is_exclusive = (i.kind || '=' || i.value <> ALL ("
        "    coalesce(p.shared_claims, '{}')))))"
        f" FROM ({_sample('identities')}) AS i"
        " LEFT JOIN personas AS p USING (team_id, persona_id)",
        {"most": _SAMPLE},
    ).fetchone() or (0, 0, 0, 0)
    (listed,) = connection.execute(
        f"SELECT count(*) FROM ({_sample('personas')}) AS p"  # noqa: S608
        " CROSS JOIN LATERAL unnest(p.claims) AS listed (claim)"
        " WHERE NOT EXISTS (SELECT FROM identities AS i WHERE i.team_id = p.team_id"
        "  AND i.kind = split_part(claim, '=', 1)"
        "  AND i.value = substr(claim, strpos(claim, '=') + 1) AND i.persona_id = p.persona_id)",
        {"most": _SAMPLE},
    ).fetchone() or (0,)
    if twice:
        yield Finding(
            *("database", "wrong", f"{twice:,} of {looked:,} claims are held alone and shared."),
            "Somebody changed identities by hand: of two rows of one persona, delete one.",
        )
    if astray:
        yield Finding(
            *("database", "wrong", f"{astray:,} of {looked:,} claims name nobody who is there."),
            "Somebody changed identities or personas by hand: restore what they were.",
        )
    if unlisted or listed:
        says = f"{unlisted:,} claims are not listed with who holds them, {listed:,} with others."
        mend = "Triggers were off, or identities truncated: SELECT leadfold_list_claims();"
        yield Finding("database", "wrong", says, mend)
    if not (twice or astray or unlisted or listed):
        yield Finding("database", "ok", f"{looked:,} claims looked up: each is of one person.")


def _sample(table: LiteralString) -> LiteralString:
    """Rows of a table from all over it; ``most`` of them."""
    return (
        f"SELECT * FROM {table} TABLESAMPLE SYSTEM ((SELECT least(100,"  # noqa: S608
        " 200.0 * %(most)s / greatest(reltuples, 1)) FROM pg_class"
        f" WHERE oid = 'public.{table}'::regclass)) LIMIT %(most)s"
    )


def _check_indexes(connection: psycopg.Connection) -> Iterator[Finding]:
    """Unique indexes, primary keys among them."""
    found = {
        name: (is_unique, is_valid)
        for name, is_unique, is_valid in connection.execute(
            "SELECT c.relname, i.indisunique, i.indisvalid AND i.indisready"
            " FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid"
            " WHERE c.relnamespace = 'public'::regnamespace"
        )
    }
    for name, file in list_made()["unique"].items():
        is_unique, _ = found.get(name, (False, True))
        if not is_unique:
            yield _missing("Unique index", name, file)
    for name, (_, is_valid) in found.items():
        if not is_valid:
            yield Finding(
                *("database", "wrong", f"Index {name} is not valid: Postgres does not keep to it."),
                f"REINDEX INDEX CONCURRENTLY {name};",
            )


def _check_constraints(connection: psycopg.Connection) -> Iterator[Finding]:
    found = {
        name: (table, is_valid)
        for name, table, is_valid in connection.execute(
            "SELECT conname, conrelid::regclass::text, convalidated FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace"
        )
    }
    for name, file in list_made()["constraint"].items():
        if name not in found:
            yield _missing("Constraint", name, file)
    for name, (table, is_valid) in found.items():
        if not is_valid:
            yield Finding(
                *("database", "wrong", f"Constraint {name} was never checked on all rows."),
                f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};",
            )


def _check_triggers(connection: psycopg.Connection) -> Iterator[Finding]:
    found = {
        name: (table, is_on)
        for name, table, is_on in connection.execute(
            "SELECT tgname, tgrelid::regclass::text, tgenabled = ANY('{O,A}') FROM pg_trigger"
            " WHERE NOT tgisinternal"
        )
    }
    for name, file in list_made()["trigger"].items():
        if name not in found:
            yield _missing("Trigger", name, file)
        elif not found[name][1]:
            yield Finding(
                *("database", "wrong", f"Trigger {name} is off: edits by hand are not noticed."),
                f"ALTER TABLE {found[name][0]} ENABLE TRIGGER {name};",
            )


def _missing(kind: str, name: str, file: str) -> Finding:
    return Finding(
        *("database", "wrong", f"{kind} {name} is not there: what it keeps out may come in."),
        f"Make it anew, as flows/migrations/{file} does.",
    )


def list_made() -> dict[str, dict[str, str]]:
    """What the migrations make: kind (table, unique, constraint, trigger) -> name -> file."""
    made: dict[str, dict[str, str]] = {"table": {}, "unique": {}, "constraint": {}, "trigger": {}}
    for file, text in read_migrations().items():
        table = ""
        for found in filter(None, map(_LINE.match, text.splitlines())):
            table = found["table"] or table
            if found["table"]:
                made["table"][table] = file
            elif found["dropped"]:
                for kind in ("constraint", "unique"):
                    made[kind].pop(found["dropped"], None)
            elif found["old"]:
                made["unique"].pop(found["old"])
                made["unique"][found["new"]] = file
            elif found["constraint"]:
                made["constraint"][found["constraint"]] = file
            elif found["off"]:
                made["trigger"].pop(found["off"])
            elif found["trigger"]:
                made["trigger"][found["trigger"]] = file
            elif found["index"]:
                made["unique"][found["index"]] = file
            elif found["inline"] == "UNIQUE":
                made["unique"][f"{table}_{found['column']}_key"] = file
            else:
                made["unique"][f"{table}_pkey"] = file
    return made


def _may(connection: psycopg.Connection, asked: str) -> bool:
    # Of a table that is not there nothing is asked: the migrations tell of it.
    row = connection.execute(f"SELECT {asked}").fetchone()
    return bool(row and row[0])
