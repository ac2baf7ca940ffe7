-- The statements of the leads that change: what stood there, unless it is kept already, and what
-- this file says.
-- Reads    met_leads, lead_changes, kept_statements, stored_undone, stated, records, other_claims, stored_leads, moved_leads, facts
-- Returns  plan_lead_versions: the table's columns; all are inserts.
-- Promise  a lead that was stated once has no version, and is its own statement; but for one that
--          was undone and comes again, of which there are others.
create or replace table plan_lead_versions as
with changing as (
    select met_leads.lead_id, met_leads.source_record_id
    from met_leads
    where action = 'update' and import_id = (select import_id from facts)
    union
    select lead_id, source_record_id from met_leads semi join stored_undone using (lead_id)
    union
    select stored_lead_id, source_record_id
    from lead_changes semi join kept_statements using (source_record_id)
)
select
    'insert' as action, lead_id, import_id, crm_id, coalesce(phones, []) as phones, coalesce(emails, []) as emails,
    {texts}, nullif(tags, []) as tags, last_activity_at, is_deleted, is_missing,
    nullif(claims, []) as claims, clock, field_clocks,
    case when extra is null then '{}' else '{"extra":' || extra || '}' end as fields, fingerprint,
    line_no
from stored_leads
semi join changing using (lead_id)
where not has_versions
union all by name
select
    'insert' as action, lead_id, (select import_id from facts) as import_id, crm_id, coalesce(phones, []) as phones,
    coalesce(emails, []) as emails, {texts}, tags, last_activity_at, is_deleted,
    false as is_missing, nullif(of_statement, []) as claims, clock, field_clocks,
    case when extra is null then '{}' else '{"extra":' || extra || '}' end as fields,
    stated.fingerprint, records.line_no
from stated
join records using (source_record_id)
left join other_claims using (source_record_id)
join changing using (source_record_id)
union all by name
select
    'insert' as action, lead_id, (select import_id from facts) as import_id, []::varchar[] as phones,
    []::varchar[] as emails, false as is_deleted, true as is_missing, '{}' as fields
from moved_leads
where is_vanished
