-- By what the leads of people hang together who lost a statement and have several leads left.
-- Reads    stored_leads (as they will be), undoable_leads, stored_candidates, sources
-- Returns  lead_links: lead_id, persona_id, called (file and record), claim.
create or replace table lead_links as
with losing as (
    select persona_id from stored_leads
    where persona_id in (select persona_id from undoable_leads)
    group by persona_id having count(*) > 1
)
select lead_id, persona_id, source_file || ' ' || source_record_id as called, unnest(list_concat(
    ['record=' || source_file || chr(31) || source_record_id],
    list_concat(claims_of(claim_space, crm_id, phones, email_keys), coalesce(claims, []))
)) as claim
from stored_leads
semi join losing using (persona_id)
left join sources using (source)
union all
-- Who was judged the same hangs together by that.
select lead_id, persona_id, called, 'same=' || left_id || chr(31) || right_id
from (
    select left_id, right_id, unnest(list_concat(left_lead_ids, right_lead_ids)) as lead_id
    from stored_candidates where judgement = 'same'
)
join (
    select lead_id, persona_id, source_file || ' ' || source_record_id as called
    from stored_leads semi join losing using (persona_id)
) as judged using (lead_id)
