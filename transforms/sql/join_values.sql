-- The values by which records meet each other, or somebody whom Postgres knows.
-- Reads    claims, merges, match_keys, persona_nodes, stored_identities, stored_shared
-- Returns  joint_values: value_no, kind, value, priority (0: a merge in the CRM), is_guarded.
--          value_nodes: value_no, node_no, is_stored.
-- Promise  a value that nobody shares is not in it; nor one that too many people hold already.
create or replace table joint_values as
with wanted as (
    select kind, value, min(priority) as priority
    from (
        select kind, value, priority from claims where priority is not null
        union all
        select kind, value, 0 from merges
    )
    anti join stored_shared using (kind, value)
    group by kind, value
),
sides as (
    select kind, value from claims
    union all
    select kind, value from merges
    union all
    select kind, value from stored_identities
)
select
    row_number() over (order by wanted.priority, kind, value) as value_no, wanted.*,
    coalesce(match_keys.is_guarded and wanted.priority > 0, false) as is_guarded
from wanted
semi join (select kind, value from sides group by kind, value having count(*) > 1) as met
    using (kind, value)
left join match_keys using (kind);

create or replace table value_nodes as
select distinct value_no, node_no, is_stored
from (
    select kind, value, record_no as node_no, false as is_stored from claims
    union all
    select kind, value, record_no, false from merges
    union all
    select kind, value, node_no, true from stored_identities join persona_nodes using (persona_id)
)
join joint_values using (kind, value)
