-- Everything that an import would do to people, as one flat table.
-- Reads    told_leads, told_personas, told_held, told_rows, plan_identities, plan_opt_outs, stated_opt_outs,
--          holdings, plan_issues, plan_people, plan_sentences, facts
-- Returns  plan_changes: change_no (in the order to read them; the rows of one number are one
--          change) and what people read of it.
-- Promise  the order depends on the file and on what is stored; ids, which are new each time, only
--          tell apart what nothing else does.
create or replace table plan_changes as
with claims as (
    select
        'claim' as what, claims.action, persona_id as id, name, line_no, source_record_id,
        kind as field,
        case when action <> 'insert' then shown_value(value) end as before,
        case when action <> 'delete' then shown_value(value) end as after,
        sentence as why, concat_ws(chr(31), kind, value, persona_id) as item
    from plan_identities as claims
    left join plan_people using (persona_id)
    left join plan_sentences on code = case
        when action = 'delete' then 'let_go'
        when not is_exclusive then 'shared_now'
        when action = 'update' then 'own_now'
    end
),
first_said as (
    select kind, value, channel, min(line_no) as line_no from stated_opt_outs group by all
),
holders as (
    select kind, value, min(name) as name
    from holdings join plan_people using (persona_id)
    group by all
),
-- Who has neither phone nor email opts out by the record.
recorded as (
    select 'record' as kind, source_record_id as value, min(name) as name
    from told_leads where line_no is not null
    group by all
),
opt_outs as (
    select
        'opt_out' as what, action, coalesce(holders.name, recorded.name) as name,
        line_no, kind as field,
        case when action = 'delete' then shown_value(value) end as before,
        case when action = 'insert' then shown_value(value) end as after, channel as rule, source,
        facts.source_file, sentence as why,
        concat_ws(chr(31), kind, value, channel) as item
    from plan_opt_outs
    left join first_said using (kind, value, channel)
    left join holders using (kind, value)
    left join recorded using (kind, value)
    left join plan_sentences
        on code = case when action = 'insert' then 'opt_out' else 'opt_out_withdrawn' end
    cross join facts
),
rejects as (
    select
        'reject' as what, 'reject' as action, line_no, min(field) as field,
        min(issues.code) as rule, source, source_file,
        string_agg(distinct coalesce(message, sentence), ' ' order by coalesce(message, sentence))
            as why,
        line_no::varchar as item
    from plan_issues as issues
    left join plan_sentences as sentences on sentences.code = 'issue:' || issues.code
    cross join facts
    where severity = 'reject'
    group by all
)
select
    dense_rank() over (order by
        coalesce(
            list_position(['persona', 'lead', 'candidate', 'claim', 'opt_out'], what),
            case when what = 'reject' then 7 else 6 end
        ),
        case when what not in ('persona', 'lead', 'candidate', 'claim', 'opt_out') then what end,
        list_position(
            [
                'merge', 'split', 'update', 'restate', 'insert', 'restore', 'delete', 'remove',
                'hold', 'skip', 'unchanged', 'reject'
            ],
            action
        ),
        line_no nulls last, name nulls last, item
    ) as change_no,
    what, action, id, other_id, name, line_no, source_record_id, found_by, field, before, after, rule,
    source, source_file, why
from (
    from told_personas
    union all by name from told_leads
    union all by name from told_held
    union all by name from told_rows
    union all by name from claims
    union all by name from opt_outs
    union all by name from rejects
)
