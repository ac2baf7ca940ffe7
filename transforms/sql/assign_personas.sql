-- Every record -> its persona, and how it was matched.
-- Reads    labels, nodes, persona_nodes, folded, value_nodes, joint_values, match_keys
-- Returns  assigned: record_no, source_record_id, cluster_no, persona_id (null: a new persona),
--          match_type.
--          merged: persona_id, merged_into; of clusters of several stored people the oldest stays.
-- Promise  of several ways to a person the first that the policy names is told.
create or replace table merged as
with stored as (
    select cluster_no, persona_id,
        first_value(persona_id) over (partition by cluster_no order by node_no) as merged_into
    from labels join persona_nodes using (node_no)
)
select persona_id, merged_into from stored where persona_id <> merged_into;

create or replace table assigned as
with clusters as (
    select cluster_no, arg_min(persona_id, persona_nodes.node_no) as persona_id,
        min(labels.node_no) as first_no
    from labels left join persona_nodes on persona_nodes.node_no = labels.node_no
    group by cluster_no
),
-- By which of its claims a record met another member of its cluster.
met as (
    select node_no, min(priority) as priority
    from (
        select value_no, node_no, cluster_no,
            count(*) over (partition by value_no, cluster_no) as members
        from value_nodes join labels using (node_no)
    )
    join joint_values using (value_no)
    where members > 1
    group by node_no
)
select
    nodes.record_no, nodes.source_record_id, cluster_no, clusters.persona_id,
    case
        when folded.stored_persona_id is not null then 'source_record'
        when clusters.persona_id is null and nodes.record_no = clusters.first_no then 'new'
        when met.priority = 0 then 'crm_id'
        else match_keys.name
    end as match_type
from nodes
join labels on labels.node_no = nodes.record_no
join clusters using (cluster_no)
join folded using (source_record_id)
left join met on met.node_no = nodes.record_no
left join (select distinct priority, name from match_keys) as match_keys
    on match_keys.priority = met.priority
