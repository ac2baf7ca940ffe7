-- Leads -> the golden record of every persona that this batch touches.
-- Reads    touched, persona_leads, won_ids, won_texts, edits, bared, unmerged, stored_personas, merged,
--          holdings, rules; $part of $parts, from 0
-- Returns  golden, those of one part of the people added: persona_id and what personas holds of it.
-- Promise  a pure function of the persona's leads, the policy and the edits by hand; whom no lead
--          states (somebody put in by hand) stays as stored, of whom none does any more (bared) the
--          edits stay. Who has leads is merged into nobody. A name is filled from a chat's profile name
--          only where nobody states one.
insert into golden by name
with part_leads as not materialized (
    from persona_leads where hash(persona_id) % $parts = $part
),
part_bared as not materialized (
    from bared where hash(persona_id) % $parts = $part
),
part_ids as not materialized (
    from won_ids where hash(persona_id) % $parts = $part
),
part_texts as not materialized (
    from won_texts where hash(persona_id) % $parts = $part
),
part_stored as not materialized (
    from stored_personas where hash(persona_id) % $parts = $part
),
part_ended as not materialized (
    from ended where hash(persona_id) % $parts = $part
),
single as (
    select persona_id, {golden_texts}, to_json(nullif(tags, []))::varchar as tags
    from part_leads where lead_count = 1
),
several as (
    select distinct persona_id from part_leads where lead_count > 1
    union
    select persona_id from part_bared
),
gathered as (
    select persona_id, {won_or_single}, coalesce(won.tags, single.tags) as tags
    from single left join part_texts as won using (persona_id)
    union all by name
    select won.* from part_texts as won semi join several using (persona_id)
    union all by name
    select persona_id from several anti join part_texts using (persona_id)
),
unions as (
    select persona_id, to_json(list(tag order by lower(tag), tag))::varchar as tags
    from (
        select persona_id, min(tag) as tag
        from (select persona_id, unnest(tags) as tag from part_leads)
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
        select persona_id from part_stored where not is_phone_exclusive
    ) as sharing using (persona_id)
    where kind = 'phone' and is_exclusive
),
people as (
    select persona_id, crm_id, phone, email, {golden_texts},
        from_json(coalesce(edited.tags, unions.tags, gathered.tags), '["VARCHAR"]') as tags
    from gathered
    left join part_ids using (persona_id)
    left join unions using (persona_id)
    left join edited using (persona_id)
    union all by name
    -- Put in by hand, and stated by no lead.
    select persona_id, {golden}
    from part_stored
    semi join touched using (persona_id)
    anti join part_leads using (persona_id)
    anti join part_bared using (persona_id)
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
left join part_stored as stored on stored.persona_id = people.persona_id
left join shared_phones
    on shared_phones.persona_id = people.persona_id and shared_phones.phone = people.phone
left join regained_phones
    on regained_phones.persona_id = people.persona_id and regained_phones.phone = people.phone
left join merged on merged.persona_id = people.persona_id
left join edited on edited.persona_id = people.persona_id
left join unmerged on unmerged.persona_id = people.persona_id
left join part_ended as ended on ended.persona_id = people.persona_id
