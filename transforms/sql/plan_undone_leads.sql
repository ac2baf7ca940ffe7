-- Leads that were undone, and are leads again.
-- Reads    met_leads, stored_undone
-- Returns  plan_undone_leads: action and the key.
create or replace table plan_undone_leads as
select 'delete' as action, lead_id from met_leads semi join stored_undone using (lead_id)
