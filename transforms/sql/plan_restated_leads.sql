-- What changes in leads once an import is undone, or leads are moved.
-- Reads    stored_leads (as they will be), former_leads, undoable_leads, statements, repeating,
--          own_activities, row_log, facts
-- Returns  met_leads, plan_lead_versions, plan_undone_leads, plan_lead_moves,
--          plan_lead_activities: action and the tables' columns. undone_changes: lead_id.
-- Promise  every statement that does not count any more is kept, so that the undo can be undone.
create or replace table met_leads as
with wanted as (
    select
        lead_id, source, source_file, source_record_id, persona_id, lead_source, board_id,
        board_name, crm_id, coalesce(phones, []) as phones, coalesce(emails, []) as emails, {texts},
        nullif(tags, []) as tags, last_activity_at, coalesce(is_deleted, false) as is_deleted,
        is_missing, nullif(claims, []) as claims, clock, canonical_json(field_clocks) as field_clocks,
        canonical_json(extra) as extra, fingerprint, line_no, import_id
    from stored_leads
),
known as (
    select
        lead_id, source, source_file, source_record_id, persona_id, lead_source, board_id,
        board_name, crm_id, coalesce(phones, []), coalesce(emails, []), {texts}, nullif(tags, []), last_activity_at,
        coalesce(is_deleted, false), is_missing, nullif(claims, []), clock,
        canonical_json(field_clocks), canonical_json(extra), fingerprint, line_no, import_id
    from former_leads
),
differing as (
    from wanted except from known
)
select
    case when former.lead_id is null then 'insert' else 'update' end as action, former.version,
    differing.* exclude (extra),
    case when differing.extra is null then '{}' else '{"extra":' || differing.extra || '}' end as fields
from differing
left join former_leads as former using (lead_id)
union all by name
select 'delete' as action, version, lead_id, source_record_id
from former_leads anti join stored_leads using (lead_id);

create or replace table undone_changes as select lead_id from met_leads;

create or replace table plan_lead_versions as
select
    'insert' as action, lead_id, import_id, crm_id, coalesce(phones, []) as phones,
    coalesce(emails, []) as emails, {texts}, nullif(tags, []) as tags, last_activity_at,
    coalesce(is_deleted, false) as is_deleted, is_missing, nullif(claims, []) as claims, clock,
    field_clocks, case when extra is null then '{}' else '{"extra":' || extra || '}' end as fields,
    fingerprint, line_no
from (
    select * exclude (is_active, seq) from statements
    union all by name
    select * exclude (is_active, seq) from repeating
)
where not is_stored;

create or replace table plan_undone_leads as
with going as (
    select lead_id, source, source_file, source_record_id, persona_id
    from former_leads anti join stored_leads using (lead_id)
)
select 'insert' as action, going.*, (select import_id from facts) as import_id from going
union all by name
select 'delete' as action, lead_id
from undoable_leads
where is_undone and lead_id in (select lead_id from stored_leads);

create or replace table plan_lead_moves as
select
    'insert' as action, lead_id, former.persona_id as from_persona_id,
    after.persona_id as to_persona_id, (select import_id from facts) as import_id
from former_leads as former
join stored_leads as after using (lead_id)
where former.persona_id <> after.persona_id;

create or replace table plan_lead_activities as
select 'delete' as action, own_activities.* from own_activities
union all by name
select
    'insert' as action, before->>'activity_id' as activity_id, before->>'lead_id' as lead_id,
    before->>'activity_type' as activity_type, before->>'description' as description,
    before->>'user_id' as user_id, (before->>'occurred_at')::timestamptz as occurred_at,
    before->>'import_id' as import_id
from row_log
where table_name = 'lead_activities'
    and before->>'lead_id' in (select lead_id from stored_leads)
