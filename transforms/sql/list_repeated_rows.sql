-- Which statements of this file are stored already, though an earlier import brought them.
-- Reads    new_statements, keyed_statements, known_statements, keyed_changes, row_facts
-- Returns  adds to repeated_rows: digest (``row_digest`` in row_macros.sql).
insert into repeated_rows
select distinct row_digest(table_name, changes.row_id, known.digest, known.stated_at)
from new_statements as said
join known_statements as known using (row_key, digest)
join keyed_changes as changes using (row_key)
join row_facts using (table_name)
where known.is_active and (said.stated_at is null or known.stated_at = said.stated_at)
    and not is_computed_line(said.line_no)
    and said.line_no not in (select line_no from keyed_statements where is_new)
