-- What is held back: links between people, values that too many share, claims that others have.
-- Reads    plan_merge_candidates, taken_claims, nodes, assigned, holdings, plan_people,
--          plan_records, plan_sentences, facts
-- Returns  told_held: the columns of plan_changes but change_no, and item. The rule is the guard.
-- Promise  of a pair the one whom the file names later is the other.
create or replace table told_held as
with pairs as (
    select
        guard, kind, value, left_id, right_id,
        row(l.line_no is not null, coalesce(l.line_no, 0), l.name, left_id)
            <= row(r.line_no is not null, coalesce(r.line_no, 0), r.name, right_id) as is_in_order
    from plan_merge_candidates
    join plan_people as l on l.persona_id = left_id
    join plan_people as r on r.persona_id = right_id
    where guard <> 'shared_value' and judgement is null
),
sided as (
    select
        guard, kind, value, case when is_in_order then left_id else right_id end as id,
        case when is_in_order then right_id else left_id end as other_id
    from pairs
),
holders as (
    select kind, value, min(persona_id) as persona_id from holdings group by all
)
select
    'candidate' as what, 'hold' as action, id, other_id, one.name,
    coalesce(other.line_no, one.line_no) as line_no,
    case when other.line_no is null then one.source_record_id else other.source_record_id end
        as source_record_id,
    kind as field, shown_value(value) as after, guard as rule,
    one.name || ' and ' || other.name || ' share the ' || kind_words(kind) || ' '
        || shown_value(value) || ': ' || coalesce(sentence, guard) as why,
    id || other_id as item
from sided
join plan_people as one on one.persona_id = id
join plan_people as other on other.persona_id = other_id
left join plan_sentences on code = 'guard:' || guard
union all by name
select
    'claim' as what, 'hold' as action, null::varchar as id, null::varchar as other_id,
    kind as field, shown_value(value) as after, guard as rule,
    'The ' || kind_words(kind) || ' ' || shown_value(value) || ': ' || (evidence->>'people') || ' '
        || sentence as why,
    kind || '=' || value as item
from plan_merge_candidates
left join plan_sentences on code = guard
where guard = 'shared_value'
union all by name
select
    'claim' as what, 'hold' as action, assigned.persona_id as id, holders.persona_id as other_id,
    own.name, plan_records.line_no, assigned.source_record_id, taken.kind as field,
    shown_value(taken.value) as after, 'claim_taken' as rule,
    'The ' || kind_words(taken.kind) || ' ' || shown_value(taken.value) || ': '
        || coalesce(holder.name, 'somebody else') || ' ' || sentence as why,
    concat_ws(chr(31), taken.kind, taken.value, assigned.source_record_id) as item
from taken_claims as taken
join assigned using (record_no)
left join plan_records on plan_records.source_record_id = assigned.source_record_id
left join plan_people as own on own.persona_id = assigned.persona_id
left join holders on holders.kind = taken.kind and holders.value = taken.value
left join plan_people as holder on holder.persona_id = holders.persona_id
left join plan_sentences on code = 'claim_taken'
