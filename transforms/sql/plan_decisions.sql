-- The candidates that are judged now.
-- Reads    stored_candidates, decisions
-- Returns  plan_merge_candidates, with those added.
-- Promise  the rest of the row stays, with the import that told of the pair.
insert into plan_merge_candidates by name
select
    'update' as action, version, left_id, right_id, guard, kind, value, evidence, left_lead_ids,
    right_lead_ids, judgement, judged_by, judged_at, import_id
from stored_candidates
semi join decisions using (left_id, right_id)
