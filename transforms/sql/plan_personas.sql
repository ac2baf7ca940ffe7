-- What would change in personas, as rows of that table.
-- Reads    golden, removed_personas, stored_personas, held_lists, facts
-- Returns  met_personas: plan_personas without the lone ones (plan_lone.sql); action, version (of the row to update), and the table's columns.
-- Promise  personas that would not change are not in it.
create or replace table met_personas as
with wanted as not materialized (
    select persona_id, {golden}, is_phone_exclusive, is_ended, merged_into,
        canonical_json(edited_fields) as edited_fields
    from golden anti join removed_personas using (persona_id)
),
known as not materialized (
    select persona_id, {golden} , is_phone_exclusive, is_ended, merged_into,
        canonical_json(edited_fields) as edited_fields
    from (select * replace (nullif(tags, []) as tags) from stored_personas)
),
differing as (
    from wanted semi join known using (persona_id) except from known
)
select
    'insert' as action, null::bigint as version, wanted.*, coalesce(claims, []) as claims,
    shared_claims,
    (select import_id from facts) as import_id
from wanted
anti join known using (persona_id)
left join held_lists using (persona_id)
union all by name
select
    'update' as action, stored.version, differing.*, coalesce(claims, []) as claims,
    shared_claims,
    (select import_id from facts) as import_id
from differing
join stored_personas as stored using (persona_id)
left join held_lists using (persona_id)
union all by name
select 'delete' as action, version, persona_id
from stored_personas semi join removed_personas using (persona_id)
