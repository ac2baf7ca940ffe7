-- What would change in leads, as rows of that table.
-- Reads    lead_changes, new_leads
-- Returns  plan_leads: action, version (of the row to update), and the table's columns.
-- Promise  leads that would not change are not in it.
create or replace table plan_leads as
select
    action, version, coalesce(stored_lead_id, new_leads.lead_id) as lead_id,
    $source as source, $source_file as source_file, source_record_id, persona_id,
    crm_id, coalesce(phones, []) as phones, coalesce(emails, []) as emails,
    {texts}, opt_outs, clock,
    case when extra is null then '{}' else '{"extra":' || extra || '}' end as fields,
    fingerprint, $import_id as import_id
from lead_changes
left join new_leads using (source_record_id)
where action <> 'unchanged'
