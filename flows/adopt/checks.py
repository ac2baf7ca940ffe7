"""What would keep an adoption from being carried out, found before anything is changed."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import psycopg
from psycopg import sql

from flows.adopt.adoption import AdoptedKey, Adoption
from flows.adopt.schema import JOURNAL, ExistingTable, Index, Reference
from flows.adopt.statements import equal
from flows.warehouse import first_line


def list_refusals(
    connection: psycopg.Connection,
    adoptions: Sequence[Adoption],
    references: Sequence[Reference],
) -> list[str]:
    """Why the database cannot be adopted as it is, a sentence with its remedy each; none: it can.

    Args:
        connection: To the database; nothing is written.
        adoptions: What is wanted.
        references: All foreign keys of the database.
    """
    found = [*_check_database(connection)]
    for adoption in adoptions:
        structural = [*_check_table(connection, adoption.table)]
        found += structural
        for each in adoption.references:
            found += _check_reference(connection, each, adoption.table, references)
        found += _check_shared_columns(adoption.references)
        if not structural:
            for key in adoption.keys:
                found += _check_key(connection, key)
    return list(dict.fromkeys(found))


def _check_database(connection: psycopg.Connection) -> Iterator[str]:
    user, name, is_replica, may_create, may_use_temp, has_journal = connection.execute(
        "SELECT current_user, current_database(), pg_is_in_recovery(),"
        " has_database_privilege(current_database(), 'CREATE'),"
        " has_database_privilege(current_database(), 'TEMP'),"
        " coalesce((SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = %s),"
        " false)",
        [JOURNAL],
    ).fetchone() or ("", "", False, False, False, False)
    if is_replica:
        yield "This server is a standby, on which nothing can be written. Connect to the primary."
    if not (may_create or has_journal):
        yield (
            f"The user {user} may not create the schema {JOURNAL}, in which removed rows are kept."
            f" As the owner of the database: GRANT CREATE ON DATABASE {name} TO {user};"
        )
    if not may_use_temp:
        yield (
            f"The user {user} may not create temporary tables."
            f" As the owner of the database: GRANT TEMP ON DATABASE {name} TO {user};"
        )


def _check_table(connection: psycopg.Connection, table: ExistingTable) -> Iterator[str]:
    if table.kind == "p":
        yield (
            f"{table.full_name} is partitioned: Postgres makes a unique index on it only with the"
            " partition key in it, and none without stopping writers. It is not adopted."
        )
    elif table.is_part:
        yield (
            f"{table.full_name} is a partition of another table, or inherits from or to one: a"
            " unique index on it would say nothing of the others. It is not adopted."
        )
    if not table.primary_key:
        yield _no_primary_key(table)
    if not table.is_owned:
        user, owner = connection.execute(
            "SELECT current_user, pg_get_userbyid(relowner) FROM pg_class WHERE oid = %s",
            [table.oid],
        ).fetchone() or ("", "")
        yield (
            f"The user {user} does not own {table.full_name}, and only an owner adds an index."
            f" Connect as {owner}, or: GRANT {owner} TO {user};"
        )
    yield from _check_may_index(connection, table)
    yield from _check_rights(connection, table, ("SELECT", "INSERT", "UPDATE", "DELETE"))


def _check_may_index(connection: psycopg.Connection, table: ExistingTable) -> Iterator[str]:
    user, may_create = connection.execute(
        "SELECT current_user, has_schema_privilege(relnamespace, 'CREATE') FROM pg_class"
        " WHERE oid = %s",
        [table.oid],
    ).fetchone() or ("", True)
    if not may_create:
        yield (
            f"The user {user} may not make an index in schema {table.schema}."
            f" As its owner: GRANT CREATE ON SCHEMA {table.schema} TO {user};"
        )


def _no_primary_key(table: ExistingTable) -> str:
    return (
        f"{table.full_name} has no primary key, so that its rows cannot be told apart."
        f" Add one: ALTER TABLE {table.full_name} ADD PRIMARY KEY (...);"
    )


def _check_rights(
    connection: psycopg.Connection, table: ExistingTable, needed: Sequence[str]
) -> Iterator[str]:
    rights = ", ".join(right for right in needed if right in table.lacks)
    user, may_use = connection.execute(
        "SELECT current_user, has_schema_privilege(relnamespace, 'USAGE') FROM pg_class"
        " WHERE oid = %s",
        [table.oid],
    ).fetchone() or ("", True)
    if rights:
        yield (
            f"The user {user} lacks rights on {table.full_name}."
            f" As its owner: GRANT {rights} ON {table.full_name} TO {user};"
        )
    if not may_use:
        yield (
            f"The user {user} may not use schema {table.schema}."
            f" As its owner: GRANT USAGE ON SCHEMA {table.schema} TO {user};"
        )
    if table.hides_rows:
        yield (
            f"A row level policy hides rows of {table.full_name} from the user, and a duplicate"
            " that is not seen is not cleaned. Connect as a user with BYPASSRLS."
        )


def _check_key(connection: psycopg.Connection, key: AdoptedKey) -> Iterator[str]:
    columns = sql.SQL(", ").join(sql.Identifier("t", name) for name in key.columns)
    grouped = sql.SQL("EXPLAIN SELECT {} FROM {} AS t WHERE {} GROUP BY {}").format(
        columns, key.table.identifier, key.covers("t"), columns
    )
    try:
        with connection.transaction():
            connection.execute(grouped)
    except psycopg.Error as error:
        yield f"{key.name} cannot be a key: {error.diag.message_primary or first_line(error)}."
        return
    taken = next((each for each in key.table.indexes if each.name == key.index), None)
    if taken and not (
        taken.is_unique and taken.columns == key.columns and key.is_as_wide(taken.predicate)
    ):
        yield (
            f"{key.table.full_name} has an index '{key.index}' that is not the unique one of"
            f" ({', '.join(key.columns)}), or of fewer rows. Rename it: ALTER INDEX {key.index}"
            " RENAME TO ...;"
        )
    elif not taken and _is_taken(connection, key):
        yield f"'{key.index}' is something else in schema {key.table.schema}. Rename that."
    if not taken or taken.is_unique:
        yield from list_blanks(connection, key)


def _is_taken(connection: psycopg.Connection, key: AdoptedKey) -> bool:
    found = connection.execute(
        "SELECT count(*) FROM pg_class WHERE relname = %s AND relnamespace = %s::regnamespace",
        [key.index, sql.Identifier(key.table.schema).as_string(connection)],
    ).fetchone()
    return bool(found and found[0])


def list_blanks(connection: psycopg.Connection, key: AdoptedKey) -> Iterator[str]:
    """What is wrong with a key of the data model in which texts are empty: they would be equal."""
    if not key.is_of_contract:
        return
    texts = [name for name in key.columns if key.table.columns[name].category == "S"]
    for name in texts:
        (count,) = connection.execute(
            sql.SQL("SELECT count(*) FROM {} WHERE {} = ''").format(
                key.table.identifier, sql.Identifier(name)
            )
        ).fetchone() or (0,)
        if count:
            yield (
                f"{count:,} rows of {key.table.full_name} have an empty text in '{name}', which is"
                " part of the key: nobody knows what they are about. Give them a value, or null."
            )


def _check_reference(
    connection: psycopg.Connection,
    reference: Reference,
    parent: ExistingTable,
    references: Sequence[Reference],
) -> Iterator[str]:
    child = reference.child
    told = f"{reference.full_name} refers to {parent.full_name}"
    if not reference.is_to_itself:
        if not child.primary_key:
            yield f"{told}. {_no_primary_key(child)}"
        yield from _check_rights(connection, child, ("SELECT", "UPDATE"))
    nullable = [name for name in reference.parent_columns if parent.columns[name].is_nullable]
    if nullable:
        yield f"{told} by '{nullable[0]}', which may be null: the row that stays may have no value."
    if any(child.columns[name].is_generated for name in reference.columns):
        yield f"{told} by a generated column, which cannot be made to refer to another row."
    unique = list_unique(reference)
    for index in unique:
        if "" in index.columns or index.takes_nulls_for_equal:
            yield (
                f"{told}, and '{index.name}' makes that unique in a way that adopt does not handle"
                " (an expression, or nulls that are equal)."
            )
    if unique and reference.is_to_itself:
        yield f"{told} itself, each row another one ('{unique[0].name}'): that is not handled."
    elif unique:
        yield from _check_rights(connection, child, ("INSERT", "DELETE"))
        others = [each for each in references if each.parent == child.oid]
        if others:
            yield (
                f"{told}, at most once by '{unique[0].name}', and {others[0].full_name} refers to"
                f" {child.full_name} in turn: rows of it that become equal are not handled."
            )
    if not child.has_index_on(reference.columns) and (child.kind == "p" or not child.is_owned):
        yield (
            f"{told}, and there is no index by which its rows are found. Make one:"
            f" CREATE INDEX ON {child.full_name} ({', '.join(reference.columns)});"
        )
    elif not child.has_index_on(reference.columns):
        yield from _check_may_index(connection, child)
    yield from _check_types(connection, reference, parent)


def _check_types(
    connection: psycopg.Connection, reference: Reference, parent: ExistingTable
) -> Iterator[str]:
    """Columns that refer without a foreign key may be of another type."""
    joined = sql.SQL("EXPLAIN SELECT FROM {} AS c JOIN {} AS p ON {}").format(
        reference.child.identifier,
        parent.identifier,
        equal("c", reference.columns, "p", reference.parent_columns),
    )
    try:
        with connection.transaction():
            connection.execute(joined)
    except psycopg.Error as error:
        why = error.diag.message_primary or first_line(error)
        yield f"{reference.full_name} cannot be compared with {parent.full_name}: {why}."


def list_unique(reference: Reference) -> list[Index]:
    """Indexes by which rows that come to refer to the same row may become equal."""
    return [
        index
        for index in reference.child.indexes
        if index.is_unique and set(index.uses) & set(reference.columns)
    ]


def _check_shared_columns(references: Sequence[Reference]) -> Iterator[str]:
    for one, other in combinations(references, 2):
        shared = set(one.columns) & set(other.columns)
        if one.child.oid == other.child.oid and shared and one.columns != other.columns:
            yield (
                f"{one.full_name} and {other.full_name} refer by the same column: what moves the"
                " one breaks the other."
            )
