-- What becomes of the lead of each record.
-- Reads    folded, assigned (personas named), other_claims, stored_leads, stored_personas
-- Returns  lead_changes: the folded leads with persona, claims, action, is_ending and is_lone (false).
--          action: insert, update, unchanged; skip (known, and the policy leaves it as it is);
--          reject (nobody knows the person, and the policy wants none from here).
-- Promise  a lead whose content is what Postgres holds is unchanged, however the file spells it.
create or replace table lead_changes as
with wanted as not materialized (
    select
        assigned.persona_id, assigned.match_type, folded.*, nullif(of_lead, []) as claims,
        stored_personas.persona_id is not null as is_known
    from folded
    join assigned using (source_record_id)
    left join other_claims using (source_record_id)
    left join stored_personas on stored_personas.persona_id = assigned.persona_id
),
differing as (
    select source_record_id
    from (select * from wanted where stored_lead_id is not null) as said
    join (select * from stored_leads where is_in_batch) as stored using (source_record_id)
    where stored.is_missing or greatest({texts_differ})
        or said.persona_id is distinct from stored.persona_id
        or said.crm_id is distinct from stored.crm_id
        or said.phones is distinct from nullif(stored.phones, [])
        or said.emails is distinct from nullif(stored.emails, [])
        or said.tags is distinct from nullif(stored.tags, [])
        or said.claims is distinct from nullif(stored.claims, [])
        or said.last_activity_at is distinct from stored.last_activity_at
        or said.is_deleted is distinct from stored.is_deleted
        or said.clock is distinct from stored.clock
        or canonical_json(said.field_clocks) is distinct from canonical_json(stored.field_clocks)
        or canonical_json(said.extra) is distinct from canonical_json(stored.extra)
)
select
    wanted.*,
    case
        when wanted.stored_lead_id is not null and differing.source_record_id is null
            then 'unchanged'
        when is_known and (select on_duplicate from facts) = 'skip' then 'skip'
        when not is_known and (select on_missing from facts) = 'reject' then 'reject'
        when wanted.stored_lead_id is null then 'insert'
        else 'update'
    end as action,
    is_deleted and not was_ended as is_ending, false as is_lone
from wanted
left join differing using (source_record_id)
