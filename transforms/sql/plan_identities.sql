-- Which claims get another holder, as rows of identities.
-- Reads    holdings, stored_identities
-- Returns  met_identities: plan_identities without the lone ones (plan_lone.sql); action (insert, update, delete) and the table's columns.
--          held_lists: persona_id, claims, shared_claims (as personas spells what somebody holds from now
--          on).
-- Promise  a claim that stays as it is is not in met_identities.
create or replace table met_identities as
select
    case when was_exclusive is null then 'insert' else 'update' end as action,
    kind, value, persona_id, is_exclusive
from holdings
where was_exclusive is distinct from is_exclusive
union all by name
select 'delete' as action, kind, value, persona_id, is_exclusive
from stored_identities
anti join holdings using (kind, value, persona_id);

create or replace table held_lists as
select
    persona_id, list(claim order by claim) as claims,
    list(claim order by claim) filter (not is_exclusive) as shared_claims
from (
    select persona_id, kind || '=' || value as claim, is_exclusive
    from stored_identities anti join met_identities using (kind, value, persona_id)
    union all
    select persona_id, kind || '=' || value, is_exclusive from met_identities where action <> 'delete'
)
group by persona_id
