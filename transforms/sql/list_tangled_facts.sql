-- What is known of each member of a tangled cluster.
-- Reads    labels, tangled, persona_nodes, node_names, node_ids, apart
-- Returns  node_no, is_person, names, spaces and ids (side by side), apart.
with members as materialized (
    select labels.node_no, persona_nodes.node_no is not null as is_person
    from labels
    semi join tangled using (cluster_no)
    left join persona_nodes using (node_no)
),
-- Of members alone: lists are not spilled, and of a large file most people are in no such cluster.
named as (
    select node_no, list(name_no) as names
    from node_names semi join members using (node_no)
    group by node_no
),
known as (
    select node_no, list(kind order by kind, value) as spaces, list(value order by kind, value) as ids
    from node_ids semi join members using (node_no)
    group by node_no
),
judged as (
    select left_no as node_no, list(right_no) as apart
    from apart semi join members on members.node_no = left_no
    group by left_no
)
select
    node_no, is_person, coalesce(names, []) as names, coalesce(spaces, []) as spaces,
    coalesce(ids, []) as ids, coalesce(apart, []) as apart
from members
left join named using (node_no)
left join known using (node_no)
left join judged using (node_no)
