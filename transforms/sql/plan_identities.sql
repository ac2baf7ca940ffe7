-- Which claims get another holder, as rows of identities.
-- Reads    holdings, stored_identities, lone_identities
-- Returns  plan_identities, and met_identities, which is it without the lone ones: action (insert, update, delete) and the table's columns.
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
anti join holdings using (kind, value, persona_id);

create or replace view plan_identities as
from met_identities union all by name from lone_identities
