-- What is shared within tangled clusters, in the order in which it joins.
-- Reads    value_nodes, joint_values, labels, tangled, persona_nodes, node_names, names
-- Returns  value_no, is_guarded, is_merging, nodes, holders; the best claims first, of one kind
--          those of the oldest stored person first. Of the nodes stored people come first, then
--          records by the fullness of their names.
with members as materialized (
    select node_no from labels semi join tangled using (cluster_no)
),
fullness as (
    select node_no,
        max(
            (first_key is not null)::int + (last_key is not null)::int
            + (suffix_key is not null)::int
        ) as parts,
        max(length(coalesce(first_key, ''))) as letters,
        min(concat_ws(' ', first_key, last_key, suffix_key)) as name
    from node_names
    semi join members using (node_no)
    join names using (name_no)
    group by node_no
),
sides as (
    select value_no, value_nodes.node_no, bool_or(is_stored) as is_holder,
        any_value(persona_nodes.node_no) as person_no
    from value_nodes
    semi join members on members.node_no = value_nodes.node_no
    left join persona_nodes on persona_nodes.node_no = value_nodes.node_no
    group by value_no, value_nodes.node_no
)
select
    value_no, is_guarded, priority = 0 as is_merging,
    list(node_no order by
        not is_holder, person_no nulls last, coalesce(parts, 0) desc, coalesce(letters, 0) desc,
        name nulls last, node_no
    ) as nodes,
    coalesce(list(node_no) filter (is_holder), []) as holders
from sides
join joint_values using (value_no)
left join fullness using (node_no)
group by value_no, is_guarded, priority, kind, value
order by priority, min(person_no) filter (is_holder) nulls last, kind, value
