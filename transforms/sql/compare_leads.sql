-- What becomes of the lead of each record.
-- Reads    folded, assigned (personas named), stored_leads
-- Returns  lead_changes: the folded leads with persona and action (insert, update, unchanged).
-- Promise  a lead whose content is what Postgres holds is unchanged, however the file spells it.
create or replace table lead_changes as
with wanted as (
    select assigned.persona_id, folded.*
    from folded join assigned using (source_record_id)
),
differing as (
    select
        source_record_id, persona_id, crm_id, phones, emails, {texts}, opt_outs, clock,
        canonical_json(extra) as extra
    from wanted
    where stored_lead_id is not null
    except
    select
        source_record_id, persona_id, crm_id, nullif(phones, []), nullif(emails, []),
        {texts}, opt_outs, clock,
        canonical_json(extra) as extra
    from stored_leads
    where is_in_batch
)
select
    wanted.*,
    case
        when wanted.stored_lead_id is null then 'insert'
        when differing.source_record_id is not null then 'update'
        else 'unchanged'
    end as action
from wanted
left join (select source_record_id from differing) as differing using (source_record_id)
