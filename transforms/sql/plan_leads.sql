-- What would change in leads, as rows of that table.
-- Reads    lead_changes, moved_leads, stored_leads, new_leads, records, team_boards, facts
-- Returns  met_records: the records whose leads change, and what a lead has beside what it states.
--          met_leads: plan_leads without the lone ones (plan_lone.sql); action, version (of the row
--          to update), and the table's columns.
-- Promise  a new or changed lead gets its board by the rules; one that somebody chose by hand stays.
--          leads that would not change are not in it. A view: their texts stand in lead_changes,
--          and are joined to what is narrow, once.
create or replace table met_records as
select
    action, source_record_id, coalesce(stored.lead_id, new_leads.lead_id) as lead_id, records.line_no,
    coalesce(stored.lead_source, facts.lead_source) as lead_source, stored.board_id,
    stored.board_name, keeps_board(stored.edited_fields, boards.has_rules) as is_kept
from (
    select source_record_id, stored_lead_id, action
    from lead_changes where action in ('insert', 'update') and not is_lone
) as changed
join (select source_record_id, line_no from records) as records using (source_record_id)
left join new_leads using (source_record_id)
left join stored_leads as stored on stored.lead_id = changed.stored_lead_id
cross join facts
cross join (select count(*) > 0 as has_rules from team_boards) as boards;

create or replace view met_leads as
select
    met.action, leads.version, met.lead_id, facts.source, facts.source_file, source_record_id,
    leads.persona_id, met.lead_source,
    case when is_kept then met.board_id else boards.board_id end as board_id,
    case when is_kept then met.board_name else boards.board_name end as board_name,
    crm_id, coalesce(phones, []) as phones,
    coalesce(emails, []) as emails, {texts}, tags, last_activity_at, is_deleted,
    false as is_missing, claims, clock, field_clocks,
    case when extra is null then '{}' else '{"extra":' || extra || '}' end as fields,
    leads.fingerprint, met.line_no, facts.import_id
from met_records as met
join (select * exclude (action) from lead_changes) as leads using (source_record_id)
cross join facts
left join team_boards as boards
    on boards.rule_no = board_no(facts.source, met.lead_source, {texts})
union all by name
select
    'update' as action, version, lead_id, source, source_file, source_record_id,
    new_persona_id as persona_id, lead_source, board_id, board_name, crm_id, coalesce(phones, []) as phones,
    coalesce(emails, []) as emails, {texts}, nullif(tags, []) as tags, last_activity_at,
    is_deleted, is_missing or is_vanished as is_missing, nullif(claims, []) as claims, clock,
    field_clocks, case when extra is null then '{}' else '{"extra":' || extra || '}' end as fields,
    fingerprint, line_no,
    case when is_vanished then (select import_id from facts) else import_id end as import_id
from moved_leads
