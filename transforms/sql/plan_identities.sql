-- Which claims get another holder, as rows of identities.
-- Reads    holdings, stored_identities
-- Returns  met_identities: plan_identities without the lone ones (plan_lone.sql); action (insert, update, delete) and the table's columns.
-- Promise  a claim that stays as it is is not in it.
create or replace table met_identities as
select
    case when was_exclusive is null then 'insert' else 'update' end as action,
    kind, value, persona_id, is_exclusive
from holdings
where was_exclusive is distinct from is_exclusive
union all by name
select 'delete' as action, kind, value, persona_id, is_exclusive
from stored_identities
anti join holdings using (kind, value, persona_id)
