-- What would change in personas, as rows of that table.
-- Reads    golden, stored_personas
-- Returns  plan_personas: action, version (of the row to update), and the table's columns.
-- Promise  personas that would not change are not in it.
create or replace table plan_personas as
with differing as (
    select * from golden
    except
    select * exclude (version) from stored_personas
)
select
    case when stored.persona_id is null then 'insert' else 'update' end as action,
    stored.version, differing.*, $import_id as import_id
from differing
left join stored_personas as stored using (persona_id)
