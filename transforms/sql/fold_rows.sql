-- What holds of each row of one keyed table, after this file.
-- Reads    new_statements, row_values, stored_rows, stored_cells, known_statements,
--          stored_statement_cells, row_columns, word_ranks, keep_rules, row_facts, facts,
--          absent_references (what statements refer to, and is not there), moving_rows (what goes
--          and comes with an undo)
-- Returns  keyed_statements: row_key, statement_no, stated_at, seq, line_no, import_id, digest, is_new.
--          keyed_statement_cells: statement_no, column_name, value. folded_rows: row_key, stated_at.
--          folded_cells: row_key, column_name, value. differing_rows: row_key, of folded rows that are
--          not as they are stored.
-- Promise  each column by its rule, so that the answer depends on the set of statements, not on the
--          order in which they came, but where they do not say when they were made. What somebody
--          edited by hand stays while it has a value. What says the same of the same time says nothing.
--          Without a time, what is known says nothing where the file says nothing else, and ends with
--          what was said last before; and never of rows on which a conflict does nothing.
--          A score that is computed anew says something only if it differs. What the same file said
--          of a row that is out of the key now, as sent messages are, is not said anew.
create or replace table keyed_statements as
with counting as (
    select * exclude (row_id, is_stored, is_active) from known_statements where is_active
),
newest as (
    select
        row_key, arg_max(digest, row(clock_number(stated_at), seq, line_no)) as digest,
        arg_max(digest, row(seq, line_no)) filter (stated_at is null) as timeless_digest
    from counting
    group by row_key
)
select *, false as is_new from counting
union all by name
select
    row_key, stated_at, 1::bigint << 40 as seq, line_no, (select import_id from facts) as import_id,
    (select coalesce(max(statement_no), 0) from known_statements)
        + row_number() over (order by line_no) as statement_no,
    digest, true as is_new
from (
    select
        *, bool_and(is_known) filter (stated_at is null) over of_row as is_all_known,
        arg_max(digest, line_no) filter (stated_at is null) over of_row as last_digest
    from (
        select
            new_statements.*,
            (row_key, digest) in (select (row_key, digest) from counting) as is_known
        from new_statements
    )
    window of_row as (partition by row_key)
) as said
where not exists (
        from counting as known
        where known.row_key = said.row_key and known.digest = said.digest
            and known.stated_at = said.stated_at
    )
    and not exists (
        from newest
        where newest.row_key = said.row_key and newest.digest = said.digest
            and is_computed_line(said.line_no)
    )
    and not (
        stated_at is null and is_known and (select on_conflict from row_facts) = 'nothing'
        or stated_at is null and is_all_known and exists (
            from newest
            where newest.row_key = said.row_key and newest.timeless_digest = said.last_digest
        )
    )
    and said.row_key not in (select row_key from stored_rows where not is_own)
    and not exists (
        from known_statements as spent
        where not spent.is_active and spent.row_key = said.row_key and spent.digest = said.digest
            and spent.stated_at is not distinct from said.stated_at
    );

create or replace table keyed_statement_cells as
select statement_no, column_name, value
from stored_statement_cells
anti join (
    select column_name, row_id as value
    from moving_rows join row_columns on refers_to = table_name
    where not is_coming
    union all
    select column_name, value
    from absent_references
    join row_columns using (column_name)
    where not exists (
        from moving_rows
        where moving_rows.table_name = refers_to and moving_rows.row_id = value and is_coming
    )
) using (column_name, value)
union all
select statement_no, column_name, value
from keyed_statements join row_values using (line_no)
where is_new;

-- The better, the greater: by each of the rules in turn.
create or replace table best_statements as
with scores as (
    select
        statement_no, place,
        case
            when prefer = 'newest' then clock_number(stated_at)
            when prefer = 'oldest' then -coalesce(epoch_us(stated_at::timestamptz), 4611686018427387904)
            when prefer = 'highest' then coalesce(try_cast(value as double), '-infinity'::double)
            else (value is not distinct from prefer)::integer
        end::double as score
    from keyed_statements
    cross join keep_rules
    left join keyed_statement_cells using (statement_no, column_name)
),
ranked as (
    select statement_no, list(score order by place) as scores from scores group by statement_no
)
select
    row_key,
    arg_max(statement_no, row(
        case when on_conflict = 'nothing' then -seq else 0 end, scores, case when is_oldest then -seq else seq end,
        case when is_oldest then -line_no else line_no end
    )) as statement_no
from keyed_statements
join ranked using (statement_no)
cross join row_facts
group by row_key;

create or replace table merged_cells as
select
    row_key, column_name,
    arg_max(value, row(
        case merge
            when 'highest' then coalesce(try_cast(value as double), '-infinity'::double)
            when 'forward' then coalesce(rank, 0)
            else 0
        end,
        case
            when is_first then -coalesce(epoch_us(stated_at::timestamptz), 4611686018427387904)
            else clock_number(stated_at)
        end,
        case when stated_at is null then if(is_first, -seq, seq) else 0 end,
        case when stated_at is null then if(is_first, -line_no, line_no) else 0 end,
        value
    )) as value
from keyed_statements
join keyed_statement_cells using (statement_no)
join (select *, merge in ('oldest', 'forward') as is_first from row_columns) using (column_name)
left join word_ranks using (column_name, value)
group by row_key, column_name;

create or replace table folded_rows as
select row_key, max(stated_at) as stated_at from keyed_statements group by row_key;

create or replace table folded_cells as
with stated as (
    select row_key, column_name, value
    from merged_cells cross join row_facts where on_conflict = 'merge'
    union all
    select row_key, column_name, value
    from best_statements
    join keyed_statement_cells using (statement_no)
    cross join row_facts
    where on_conflict <> 'merge'
),
-- What stays as it stands: edits, and what an import filled in itself.
kept as (
    select row_key, column_name, value
    from stored_cells
    join stored_rows using (row_key)
    join row_columns using (column_name)
    where is_computed
        or list_contains(json_keys(coalesce(edited_fields, '{}')::json), column_name)
)
from kept
union all
from stated anti join kept using (row_key, column_name);

create or replace table differing_rows as
select distinct row_key
from (
    select row_key, column_name, value from folded_cells
    union all
    select row_key, column_name, value from stored_cells semi join folded_rows using (row_key)
)
group by row_key, column_name, value
having count(*) = 1
