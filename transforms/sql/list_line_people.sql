-- Whose lead and person each line of the file is about.
-- Reads    landed, staged, lead_changes, new_leads, lone_records, issues, late_rejects, plan_leads,
--          stored_leads, team_boards, facts
-- Returns  line_people: line_no, lead_id (null: the row makes none), persona_id, and what became of
--          it: status, match_type, message. Rejected lines are in it, without a person.
create or replace table line_people as
with leads as (
    select
        source_record_id, coalesce(stored_lead_id, new_leads.lead_id) as lead_id,
        case when action <> 'reject' then persona_id end as persona_id, match_type, action,
        is_ending
    from lead_changes
    left join new_leads using (source_record_id)
    union all
    select
        source_record_id, numbered_id('lead', id_part, lone_no),
        numbered_id('persona', id_part, lone_no), 'new', 'insert', false
    from lone_records cross join facts
),
rejected as (
    select line_no, min(code) as code
    from (
        select line_no, code from issues where severity = 'reject'
        union all
        select line_no, code from late_rejects
    )
    group by line_no
),
assigned as (
    select lead_id
    from plan_leads as plan
    left join (select lead_id, board_id as stored_board_id from stored_leads) using (lead_id)
    where action in ('insert', 'update') and board_id in (select board_id from team_boards)
        and board_id is distinct from stored_board_id
)
select
    line_no, lead_id, persona_id,
    case
        when rejected.code is not null then 'error'
        when action in ('insert', 'update') then 'success'
        else 'duplicate'
    end as status,
    match_type,
    case
        when rejected.code is not null then 'rejected: ' || rejected.code
        when is_ending then 'ended'
        when action = 'insert' and match_type = 'new' then 'created' || by_rule
        when action = 'insert' then 'added by ' || match_type || ' match' || by_rule
        when action = 'update' then 'updated by ' || match_type || ' match' || by_rule
        when action = 'skip' then 'known by ' || match_type || ' match, left as it is'
        else 'unchanged, known by ' || match_type || ' match'
    end as message
from (select line_no, source_record_id from staged)
full join rejected using (line_no)
left join leads using (source_record_id)
left join assigned using (lead_id)
cross join lateral (
    select case when assigned.lead_id is not null then '; assigned by rule' else '' end as by_rule
)
