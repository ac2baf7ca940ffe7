-- What was said of the rows of one keyed table before, and by what it is known again.
-- Reads    stored_statements, stored_statement_cells, row_columns
-- Returns  known_statements: stored_statements, and digest (of what files say, not of what an import
--          fills in itself).
create or replace table known_statements as
select stored.*, digest
from stored_statements as stored
left join (
    select statement_no, digest_of(column_name, value) as digest
    from stored_statement_cells
    semi join (from row_columns where not is_computed) using (column_name)
    group by statement_no
) using (statement_no)
