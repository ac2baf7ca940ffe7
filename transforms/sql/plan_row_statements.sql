-- What is to be remembered of the rows of one keyed table that several statements are about.
-- Reads    keyed_statements, keyed_statement_cells, stored_rows, keyed_changes, row_facts
-- Returns  adds to keyed_row_statements: action (insert) and the table's columns.
-- Promise  of a row that was stated once nothing is: it is as it was stated.
insert into keyed_row_statements by name
with told as (
    select statement_no, cells_text(column_name, value) as cells
    from keyed_statement_cells group by statement_no
),
said as (
    select
        keyed_statements.*, changes.row_id, table_name,
        coalesce(stored_rows.has_statements, false) as has_any,
        count(*) over (partition by row_key) as statement_count,
        bool_or(is_new) over (partition by row_key) as is_touched
    from keyed_statements
    join keyed_changes as changes using (row_key)
    join row_facts using (table_name)
    left join stored_rows using (row_key)
)
select
    'insert' as action, table_name, row_id, import_id, line_no, stated_at, coalesce(cells, '{}') as cells
from said
left join told using (statement_no)
where is_touched and (statement_count > 1 or has_any) and (is_new or not has_any)
