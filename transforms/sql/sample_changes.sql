-- A few changes of each kind, for a screen.
-- Reads    plan_changes
-- Returns  plan_changes and field_count, how many fields the change has: the first changes of each
--          kind, and the first fields of each. Those come first that people should look at: where
--          a value is replaced, and where a record meets somebody of another name.
-- Promise  a new record of a new person is not in it: the person is.
with kinds as (
    select
        change_no, what, action, count(*) as field_count,
        row_number() over (
            partition by what, action, case when action = 'hold' then min(rule) end
            order by
                case
                    when what = 'lead' and action = 'insert'
                        then bool_and(coalesce(starts_with(after, name), true))
                    else not bool_or(before is not null and after is not null)
                end,
                change_no
        ) as place
    from plan_changes
    where action not in ('unchanged', 'reject')
        and not (what = 'claim' and action <> 'hold')
        and not (what = 'lead' and action = 'insert' and found_by = 'new')
    group by change_no, what, action
),
numbered as (
    select
        plan_changes.*, field_count,
        row_number() over (
            partition by change_no
            order by field in ('clock', 'last_activity_at', 'claims'), starts_with(field, 'extra:'),
                before is null or after is null, field
        ) as field_place
    from plan_changes
    join (select change_no, field_count from kinds where place <= $changes) using (change_no)
)
select * exclude (field_place)
from numbered
where field_place <= $fields
order by change_no, field_place
