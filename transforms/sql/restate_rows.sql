-- What becomes of the rows of one keyed table, once what an import said of them counts no more, or
-- counts again.
-- Reads    folded_rows, folded_cells, differing_rows, keyed_statements, keyed_statement_cells, known_statements,
--          stored_statement_cells, stored_rows, stored_cells, new_rows, row_columns, row_facts, facts
-- Returns  adds to keyed_changes (insert: a row that comes back; update; delete: a row of which
--          nothing is said any more, or that refers to what goes), keyed_values, keyed_before; to
--          moving_rows; to keyed_row_statements what is not to be forgotten: what a row was that
--          changes, what others repeated, what is computed anew, and what was said of a row whose
--          key another has now; to kept_rows: table_name, row_id, row_key, why, and the columns that
--          somebody edited, of rows that stay for that alone.
-- Promise  a row that somebody edited by hand, or put in, stays. A row that refers to what goes, and
--          cannot be without, goes with it; another refers to nobody then.
create or replace table holding_rows as
select *
from folded_rows
where row_key not in (
    select row_key
    from (
        select row_key, column_name
        from folded_rows
        cross join (
            select column_name from row_columns where is_required or key_place is not null
        ) as needed
    ) as needed
    anti join folded_cells using (row_key, column_name)
);

create or replace table bare_rows as
select stored_rows.*
from stored_rows
anti join holding_rows using (row_key)
where is_own;

insert into kept_rows by name
select
    table_name, row_id, row_key, 'edited by hand since' as why,
    array_to_string(list_sort(json_keys(edited_fields::json)), ', ') as fields
from bare_rows
cross join row_facts
where edited_fields is not null
union all by name
select table_name, '' as row_id, row_key, 'its key is taken' as why, '' as fields
from holding_rows
cross join row_facts
where row_key in (select row_key from stored_rows where not is_own);

insert into keyed_changes by name
select
    table_name, row_key, coalesce(stored_rows.row_id, new_rows.row_id) as row_id, version,
    case
        when stored_rows.row_id is null then 'insert'
        when differing_rows.row_key is not null then 'update'
        else 'unchanged'
    end as action,
    holding_rows.stated_at, 0 as line_no, 0 as line_count
from holding_rows
left join stored_rows using (row_key)
left join new_rows using (row_key)
left join differing_rows using (row_key)
cross join row_facts
where coalesce(is_own, true)
union all by name
select table_name, row_key, row_id, version, 'delete' as action, 0 as line_no, 0 as line_count
from bare_rows
cross join row_facts
where edited_fields is null;

insert into keyed_values by name
select table_name, row_key, column_name, value
from keyed_changes
join row_facts using (table_name)
join folded_cells using (row_key)
where action in ('insert', 'update');

insert into keyed_before by name
select table_name, row_key, column_name, value
from keyed_changes
join row_facts using (table_name)
join stored_cells using (row_key)
where action in ('update', 'delete');

insert into moving_rows by name
select table_name, row_id, action = 'insert' as is_coming
from keyed_changes
join row_facts using (table_name)
where action in ('insert', 'delete');

-- Of a row that was stated once, what it is is what was said.
insert into keyed_row_statements by name
with told as (
    select statement_no, cells_text(column_name, value) as cells
    from stored_statement_cells group by statement_no
),
said as (
    select known.*, table_name, changes.row_id as of_row_id, action,
        count(*) over (partition by row_key) as statement_count
    from known_statements as known
    join keyed_changes as changes using (row_key)
    join row_facts using (table_name)
),
computed as (
    select statement_no, cells_text(column_name, value) as cells
    from keyed_statement_cells group by statement_no
)
select
    'insert' as action, table_name, of_row_id as row_id, import_id, line_no, stated_at,
    coalesce(cells, '{}') as cells
from said
left join told using (statement_no)
where case
    when row_id = of_row_id then not is_stored and (
        action <> 'unchanged' or statement_count > 1
        or row_key in (select row_key from keyed_statements where is_new)
    )
    else not exists (
        from known_statements as known
        where known.row_id = of_row_id and known.import_id = said.import_id
            and known.line_no = said.line_no
    )
end
-- Two rows that were removed may be one now.
qualify row_number() over (partition by of_row_id, import_id, line_no order by said.row_id) = 1
union all by name
select
    'insert' as action, table_name, changes.row_id, said.import_id, said.line_no, said.stated_at, cells
from keyed_statements as said
join keyed_changes as changes using (row_key)
join row_facts using (table_name)
join computed using (statement_no)
where is_new
