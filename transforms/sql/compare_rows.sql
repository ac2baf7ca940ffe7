-- What becomes of each row of one keyed table.
-- Reads    folded_rows, folded_cells, differing_rows, stored_rows, stored_cells, keyed_lines, new_rows, row_facts,
--          row_columns, line_people
-- Returns  adds to keyed_changes: table_name, row_key, row_id, version, action (insert, update,
--          unchanged; taken: another team has the key), stated_at, line_no (of its first line) and
--          line_count; to keyed_values: table_name, row_key, column_name, value, of rows that are
--          written; to keyed_before the same of rows that change, as they are stored; to line_rows:
--          table_name, line_no, row_id.
insert into keyed_changes by name
select
    table_name, row_key, coalesce(stored_rows.row_id, new_rows.row_id) as row_id,
    stored_rows.version,
    case
        when not stored_rows.is_own then 'taken'
        when folded_rows.row_key is null then 'unchanged'
        when stored_rows.row_id is null then 'insert'
        when differing_rows.row_key is not null and on_conflict <> 'nothing' then 'update'
        else 'unchanged'
    end as action,
    folded_rows.stated_at, line_no, line_count
from (
    select row_key, min(line_no) as line_no, count(*) as line_count
    from keyed_lines group by row_key
) as lines
left join folded_rows using (row_key)
left join stored_rows using (row_key)
left join new_rows using (row_key)
left join differing_rows using (row_key)
cross join row_facts;

insert into keyed_values by name
select table_name, row_key, column_name, value
from keyed_changes
join row_facts using (table_name)
join folded_cells using (row_key)
where action in ('insert', 'update')
union all
-- What became of the row, where the table tells it.
select table_name, row_key, column_name, value
from keyed_changes
join row_facts using (table_name)
join (
    unpivot (select line_no, status, match_type, message from line_people)
    on status, match_type, message into name column_name value value
) as outcomes using (line_no)
join row_columns using (column_name)
where action = 'insert' and is_computed;

insert into keyed_before by name
select table_name, row_key, column_name, value
from keyed_changes
join row_facts using (table_name)
join stored_cells using (row_key)
where action = 'update';

insert into line_rows by name
select table_name, keyed_lines.line_no, row_id
from keyed_lines
join keyed_changes using (row_key)
join row_facts using (table_name)
where action <> 'taken'
