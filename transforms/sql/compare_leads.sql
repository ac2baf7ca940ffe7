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
    select
        source_record_id, persona_id, crm_id, phones, emails, {texts}, tags, last_activity_at,
        is_deleted, false as is_missing, claims, clock, canonical_json(field_clocks) as clocks,
        canonical_json(extra) as extra
    from wanted
    where stored_lead_id is not null
    except
    select
        source_record_id, persona_id, crm_id, nullif(phones, []), nullif(emails, []), {texts},
        nullif(tags, []), last_activity_at, is_deleted, is_missing, nullif(claims, []), clock,
        canonical_json(field_clocks), canonical_json(extra)
    from stored_leads
    where is_in_batch
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
left join (select source_record_id from differing) as differing using (source_record_id)
