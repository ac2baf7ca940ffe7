-- The judgement of an unmerge, as rows of merge_candidates.
-- Reads    judged_parts, stored_candidates, stored_leads (as they will be), facts;
--          $judged_by, $judged_at
-- Returns  plan_merge_candidates, with those added.
insert into plan_merge_candidates by name
with gone as (
    -- Judged the same before, and taken apart now.
    select distinct told.version, left_id, right_id
    from (
        select version, left_id, right_id, unnest(left_lead_ids) as left_lead,
            right_lead_ids
        from stored_candidates where judgement = 'same'
    ) as told
    join stored_leads as l on l.lead_id = left_lead
    join stored_leads as r on list_contains(right_lead_ids, r.lead_id)
    where l.persona_id <> r.persona_id
)
select
    case when stored.left_id is null then 'insert' else 'update' end as action, stored.version,
    judged.*, 'not_same' as judgement, $judged_by as judged_by,
    $judged_at::timestamptz as judged_at, (select import_id from facts) as import_id
from judged_parts as judged
left join stored_candidates as stored using (left_id, right_id)
union all by name
select 'delete' as action, version, left_id, right_id
from gone
anti join judged_parts using (left_id, right_id)
anti join (select * from plan_merge_candidates where action = 'delete') as planned
    using (left_id, right_id)
