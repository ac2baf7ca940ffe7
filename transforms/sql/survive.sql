-- Leads -> the golden record of every persona that this batch touches.
-- Reads    touched, persona_leads, field_ranks, edits, bared, unmerged, stored_personas, merged,
--          holdings, rules
-- Returns  golden: persona_id and what personas holds of it.
-- Promise  a pure function of the persona's leads, the policy and the edits by hand; whom no lead
--          states (somebody put in by hand) stays as stored, of whom none does any more (bared) the
--          edits stay. Who has leads is merged into nobody. A name is filled from a chat's profile name
--          only where nobody states one.
-- In steps of their own, each of which spills: three columns of all people, all columns of few.
create or replace table won_ids as
select persona_id, {won_ids}
from field_ranks
where place = 1 and field in ('crm_id', 'phone', 'email')
group by persona_id;

create or replace table won_texts as
select persona_id, {won_texts}
from field_ranks
where place = 1 and field not in ('crm_id', 'phone', 'email')
group by persona_id;

create or replace table golden as
with single as (
    select persona_id, {golden_texts}, to_json(nullif(tags, []))::varchar as tags
    from persona_leads where lead_count = 1
),
several as (
    select distinct persona_id from persona_leads where lead_count > 1
    union
    select persona_id from bared
),
gathered as (
    select persona_id, {won_or_single}, coalesce(won.tags, single.tags) as tags
    from single left join won_texts as won using (persona_id)
    union all by name
    select won.* from won_texts as won semi join several using (persona_id)
    union all by name
    select persona_id from several anti join won_texts using (persona_id)
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
edited as (
    select persona_id, max(value) filter (field = 'tags') as tags,
        '{' || string_agg(to_json(field)::varchar || ':' || to_json(edited_at)::varchar, ','
            order by field) || '}' as edited_fields
    from (
        select persona_id, field, max(edited_at) as edited_at, arg_max(value, edited_at) as value
        from edits group by persona_id, field
    )
    group by persona_id
),
shared_phones as (
    select persona_id, value as phone from holdings where kind = 'phone' and not is_exclusive
),
regained_phones as (
    select persona_id, value as phone
    from holdings
    semi join (
        select persona_id from stored_personas where not is_phone_exclusive
    ) as sharing using (persona_id)
    where kind = 'phone' and is_exclusive
),
people as (
    select persona_id, crm_id, phone, email, {golden_texts},
        from_json(coalesce(edited.tags, unions.tags, gathered.tags), '["VARCHAR"]') as tags
    from gathered
    left join won_ids using (persona_id)
    left join unions using (persona_id)
    left join edited using (persona_id)
    union all by name
    -- Put in by hand, and stated by no lead.
    select persona_id, {golden}
    from stored_personas
    semi join touched using (persona_id)
    anti join persona_leads using (persona_id)
    anti join bared using (persona_id)
)
select
    people.* exclude (full_name),
    case
        when people.full_name is null and people.first_name is null and people.last_name is null
            then people.profile_name
        else people.full_name
    end as full_name,
    case
        when people.phone is null then true
        when shared_phones.phone is not null then false
        when not stored.is_phone_exclusive and stored.phone = people.phone
            then regained_phones.phone is not null
        else true
    end as is_phone_exclusive,
    coalesce(ended.is_ended, false) as is_ended,
    case
        when merged.persona_id is not null then merged.merged_into
        when ended.persona_id is null and unmerged.persona_id is null then stored.merged_into
    end as merged_into,
    case
        when merged.persona_id is not null then stored.edited_fields else edited.edited_fields
    end as edited_fields
from people
left join stored_personas as stored on stored.persona_id = people.persona_id
left join shared_phones
    on shared_phones.persona_id = people.persona_id and shared_phones.phone = people.phone
left join regained_phones
    on regained_phones.persona_id = people.persona_id and regained_phones.phone = people.phone
left join merged on merged.persona_id = people.persona_id
left join edited on edited.persona_id = people.persona_id
left join unmerged on unmerged.persona_id = people.persona_id
left join ended on ended.persona_id = people.persona_id
