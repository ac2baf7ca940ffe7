-- Which fields change, of leads and people that were there before.
-- Reads    lead_changes, stored_leads, plan_personas, stored_personas, field_ranks, persona_leads
-- Returns  lead_field_changes: source_record_id, lead_id, field, before, after.
--          persona_field_changes: persona_id, field, before, after, and the rule, source,
--          source_file and source_record_id that won.
create or replace table lead_field_changes as
with updated as (
    select * from lead_changes where action = 'update'
),
new_fields as (
    select source_record_id, field, value
    from (
        select source_record_id, crm_id, {texts}, array_to_string(phones, ', ') as phones,
            array_to_string(emails, ', ') as emails, array_to_string(tags, ', ') as tags,
            case when is_deleted then 'yes' end as is_deleted
        from updated
    ) unpivot (value for field in (crm_id, {texts}, phones, emails, tags, is_deleted))
    where value <> ''
),
old_fields as (
    select source_record_id, field, value
    from (
        select source_record_id, crm_id, {texts}, array_to_string(phones, ', ') as phones,
            array_to_string(emails, ', ') as emails, array_to_string(tags, ', ') as tags,
            case when is_deleted then 'yes' end as is_deleted
        from stored_leads
        semi join updated using (source_record_id)
        where is_in_batch
    ) unpivot (value for field in (crm_id, {texts}, phones, emails, tags, is_deleted))
    where value <> ''
)
select
    source_record_id, updated.stored_lead_id as lead_id, field,
    old_fields.value as before, new_fields.value as after
from old_fields full join new_fields using (source_record_id, field)
join updated using (source_record_id)
where old_fields.value is distinct from new_fields.value;

create or replace table persona_field_changes as
with updated as (
    select persona_id from plan_personas where action = 'update'
),
new_fields as (
    select persona_id, field, value
    from (
        select persona_id, crm_id, phone, email, {golden_texts},
            array_to_string(tags, ', ') as tags, merged_into,
            case when is_ended then 'yes' end as is_ended,
            case when not is_phone_exclusive then 'yes' end as is_phone_shared
        from plan_personas where action = 'update'
    ) unpivot (value for field in (
        crm_id, phone, email, {golden_texts}, tags, merged_into, is_ended, is_phone_shared
    ))
    where value <> ''
),
old_fields as (
    select persona_id, field, value
    from (
        select persona_id, crm_id, phone, email, {golden_texts},
            array_to_string(tags, ', ') as tags, merged_into,
            case when is_ended then 'yes' end as is_ended,
            case when not is_phone_exclusive then 'yes' end as is_phone_shared
        from stored_personas semi join updated using (persona_id)
    ) unpivot (value for field in (
        crm_id, phone, email, {golden_texts}, tags, merged_into, is_ended, is_phone_shared
    ))
    where value <> ''
),
single as (
    select persona_id, source, source_file, source_record_id
    from persona_leads where lead_count = 1
)
select
    persona_id, field, old_fields.value as before, new_fields.value as after,
    coalesce(ranks.rule, rules.rule) as rule, coalesce(ranks.source, single.source) as source,
    coalesce(ranks.source_file, single.source_file) as source_file,
    coalesce(ranks.source_record_id, single.source_record_id) as source_record_id
from old_fields full join new_fields using (persona_id, field)
left join rules using (field)
left join (select * from field_ranks where place = 1) as ranks using (persona_id, field)
left join single using (persona_id)
where old_fields.value is distinct from new_fields.value
