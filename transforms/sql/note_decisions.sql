-- What somebody decides about candidates, as these will say it.
-- Reads    decisions, stored_candidates, stored_leads
-- Returns  stored_candidates, with the judgements; a side's leads are all that the person has now.
update stored_candidates as stored
set
    judgement = decisions.judgement, judged_by = decisions.judged_by,
    judged_at = decisions.judged_at,
    left_lead_ids = (
        select coalesce(list(lead_id order by lead_id), [])
        from stored_leads where persona_id = decisions.one_id
    ),
    right_lead_ids = (
        select coalesce(list(lead_id order by lead_id), [])
        from stored_leads where persona_id = decisions.other_id
    )
from decisions
where stored.left_id = decisions.left_id and stored.right_id = decisions.right_id
