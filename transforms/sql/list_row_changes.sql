-- What becomes of rows of keyed tables, for people to read.
-- Reads    keyed_changes, keyed_values, keyed_before, facts
-- Returns  told_rows: the columns of plan_changes but change_no, and item. A changed row has one for
--          each column that changes.
create or replace table told_rows as
with changed as (
    select
        table_name, row_key, column_name as field, keyed_before.value as before,
        keyed_values.value as after
    from keyed_before
    full join keyed_values using (table_name, row_key, column_name)
    where keyed_before.value is distinct from keyed_values.value
)
select
    table_name as what, action, row_id as id, shown_value(row_key) as name,
    nullif(line_no, 0) as line_no, case when action = 'update' then field end as field,
    case when action = 'update' then before end as before,
    case when action = 'update' then after end as after, facts.source, facts.source_file,
    concat_ws(chr(31), table_name, row_key) as item
from keyed_changes
left join (
    select table_name, row_key, field, before, after, 'update' as action from changed
) as changed using (table_name, row_key, action)
cross join facts
where action in ('insert', 'update', 'delete')
