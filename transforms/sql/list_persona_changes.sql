-- What becomes of each person, for people to read.
-- Reads    plan_personas, stored_personas, persona_field_changes, plan_people, plan_sentences
-- Returns  told_personas: the columns of plan_changes but change_no, and item.
-- Promise  each planned persona is there; one that was there before by one row for each field that
--          changes, with the rule and the record that won.
create or replace table told_personas as
with told as (
    select
        persona_id, plan.action as planned, plan.merged_into, plan.edited_fields,
        stored.edited_fields as were_edited,
        case
            when plan.action = 'delete' then 'remove'
            when plan.merged_into is distinct from stored.merged_into
                then case when plan.merged_into is null then 'split' else 'merge' end
            when plan.is_ended and not coalesce(stored.is_ended, false) and plan.action = 'update'
                then 'delete'
            else plan.action
        end as action,
        case
            when plan.action = 'delete' then 'undone'
            when plan.is_ended and not coalesce(stored.is_ended, false) then 'ended'
            when not plan.is_ended and stored.is_ended then 'revived'
        end as reason
    from plan_personas as plan
    left join stored_personas as stored using (persona_id)
),
all_told as (
    select persona_id, fields.* exclude (persona_id)
    from persona_field_changes as fields
    semi join (from told where planned = 'update') as updated using (persona_id)
    union all by name
    select persona_id, 'edited_fields' as field, were_edited as before, edited_fields as after
    from told anti join persona_field_changes using (persona_id)
    where planned = 'update'
    union all by name
    select
        persona_id, case planned when 'delete' then key_values end as before,
        case planned when 'insert' then key_values end as after
    from told join plan_people using (persona_id)
    where planned <> 'update'
)
select
    'persona' as what, told.action, persona_id as id, told.merged_into as other_id, people.name,
    people.line_no, coalesce(all_told.source_record_id, people.source_record_id)
        as source_record_id,
    people.found_by, field, before, after, rule, source, source_file,
    case
        when told.action = 'merge' then concat_ws(' ', coalesce(other.name, merged_into), merging.sentence)
        else sentences.sentence
    end as why,
    concat_ws(chr(31), people.key_values, persona_id) as item
from told
join all_told using (persona_id)
join plan_people as people using (persona_id)
left join plan_people as other on other.persona_id = told.merged_into
left join plan_sentences as sentences on sentences.code = reason
left join plan_sentences as merging on merging.code = 'merged'
