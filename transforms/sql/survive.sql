-- Leads -> the golden record of every persona that this batch touches.
-- Reads    touched, persona_leads, field_ranks, edits, stored_personas, merged, holdings, rules
-- Returns  golden: persona_id and what personas holds of it.
-- Promise  a pure function of the persona's leads, the policy and the edits by hand; whom no lead
--          states (somebody put in by hand) stays as stored. A name is filled from a chat's profile name
--          only where nobody states one.
create or replace table golden as
with won as (
    select persona_id, {won_golden}
    from field_ranks where place = 1
    group by persona_id
),
single as (
    select persona_id, {golden_texts}, to_json(tags)::varchar as tags
    from persona_leads where lead_count = 1
),
unions as (
    select persona_id, to_json(list(tag order by lower(tag), tag))::varchar as tags
    from (
        select persona_id, min(tag) as tag
        from (select persona_id, unnest(tags) as tag from persona_leads)
        group by persona_id, lower(tag)
    )
    where (select any_value(rule) from rules where field = 'tags') = 'union'
    group by persona_id
),
leads as (
    select people.persona_id, won.crm_id, won.phone, won.email, {won_or_single},
        coalesce(edited.tags, unions.tags, single.tags, won.tags) as tags
    from (select distinct persona_id from persona_leads) as people
    left join won using (persona_id)
    left join single using (persona_id)
    left join unions using (persona_id)
    left join (select persona_id, value as tags from edits where field = 'tags') as edited
        using (persona_id)
),
edited as (
    select persona_id,
        '{' || string_agg(to_json(field)::varchar || ':' || to_json(edited_at)::varchar, ','
            order by field) || '}' as edited_fields
    from (
        select persona_id, field, max(edited_at) as edited_at from edits group by persona_id, field
    )
    group by persona_id
),
exclusive as (
    select persona_id, value as phone, is_exclusive from holdings where kind = 'phone'
),
people as (
    select persona_id, crm_id, phone, email, {golden_texts}, from_json(tags, '["VARCHAR"]') as tags,
        false as is_ended
    from leads
    union all by name
    -- Put in by hand, and stated by no lead.
    select persona_id, {golden}, false as is_ended
    from stored_personas
    semi join touched using (persona_id)
    anti join persona_leads using (persona_id)
)
select
    people.* exclude (full_name, is_ended),
    case
        when people.full_name is null and people.first_name is null and people.last_name is null
            then people.profile_name
        else people.full_name
    end as full_name,
    case
        when people.phone is null then true
        else coalesce(exclusive.is_exclusive, stored.is_phone_exclusive, true)
    end as is_phone_exclusive,
    coalesce(ended.is_ended, false) as is_ended,
    coalesce(merged.merged_into, stored.merged_into) as merged_into,
    coalesce(edited.edited_fields, stored.edited_fields) as edited_fields
from people
left join stored_personas as stored on stored.persona_id = people.persona_id
left join exclusive on exclusive.persona_id = people.persona_id and exclusive.phone = people.phone
left join merged on merged.persona_id = people.persona_id
left join edited on edited.persona_id = people.persona_id
left join ended on ended.persona_id = people.persona_id
