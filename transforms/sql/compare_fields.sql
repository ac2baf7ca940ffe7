-- Which fields change, of leads and people that were there before.
-- Reads    lead_changes, stored_leads, met_personas, stored_personas, field_ranks, persona_leads,
--          rules
-- Returns  lead_field_changes: source_record_id, lead_id, field, before, after.
--          persona_field_changes: persona_id, field, before, after, and the rule, source,
--          source_file and source_record_id that won.
create or replace table lead_field_changes as
with updated as (
    select * from lead_changes where action = 'update'
),
sides as (
    select true as is_new, source_record_id, crm_id, {texts}, phones, emails, tags, is_deleted
    from updated
    union all by name
    select false as is_new, source_record_id, crm_id, {texts}, phones, emails, tags, is_deleted
    from stored_leads
    semi join updated using (source_record_id)
    where is_in_batch
),
fields as (
    select
        source_record_id, field,
        max(value) filter (not is_new) as before, max(value) filter (is_new) as after
    from (
        select * replace (
            array_to_string(phones, ', ') as phones, array_to_string(emails, ', ') as emails,
            array_to_string(tags, ', ') as tags, case when is_deleted then 'yes' end as is_deleted
        )
        from sides
    ) unpivot (value for field in (crm_id, {texts}, phones, emails, tags, is_deleted))
    where value <> ''
    group by source_record_id, field
)
select source_record_id, updated.stored_lead_id as lead_id, field, before, after
from fields
join updated using (source_record_id)
where before is distinct from after;

create or replace table persona_field_changes as
with updated as (
    select * from met_personas where action <> 'insert'
),
sides as (
    select true as is_new, persona_id, {golden}, merged_into, is_ended, is_phone_exclusive
    from updated
    union all by name
    select false as is_new, persona_id, {golden}, merged_into, is_ended, is_phone_exclusive
    from stored_personas
    semi join updated using (persona_id)
),
fields as (
    select
        persona_id, field,
        max(value) filter (not is_new) as before, max(value) filter (is_new) as after
    from (
        select * exclude (is_phone_exclusive) replace (
                array_to_string(tags, ', ') as tags, case when is_ended then 'yes' end as is_ended
            ),
            case when not is_phone_exclusive then 'yes' end as is_phone_shared
        from sides
    ) unpivot (value for field in ({golden}, merged_into, is_ended, is_phone_shared))
    where value <> ''
    group by persona_id, field
),
single as (
    select persona_id, source, source_file, source_record_id
    from persona_leads where lead_count = 1
)
select
    persona_id, field, before, after,
    case when after is not null then coalesce(ranks.rule, rules.rule) end as rule,
    case when after is not null then coalesce(ranks.source, single.source) end as source,
    case when after is not null then coalesce(ranks.source_file, single.source_file) end
        as source_file,
    case when after is not null then coalesce(ranks.source_record_id, single.source_record_id) end
        as source_record_id
from fields
left join rules using (field)
left join (select * from field_ranks where place = 1) as ranks using (persona_id, field)
left join single using (persona_id)
where before is distinct from after
