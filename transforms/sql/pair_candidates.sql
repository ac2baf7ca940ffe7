-- The links held back, as pairs of people; and the values that too many people share.
-- Reads    held, labels, joint_values, nodes, folded, assigned, lead_changes, persona_nodes,
--          stored_personas, merged, shared_values, stored_shared, stored_identities, holdings,
--          stored_candidates, facts
-- Returns  plan_merge_candidates: action, version, and the table's columns.
-- Promise  a pair that was told before is not told again, whatever was decided about it; on a
--          merge it follows the person who stays. Of a
--          shared value there is one row for all its people.
create or replace table plan_merge_candidates as
with cluster_people as (
    select distinct cluster_no, persona_id
    from assigned
    semi join (
        select source_record_id from lead_changes where action in ('insert', 'update', 'unchanged')
    ) as taking using (source_record_id)
    union
    select cluster_no, persona_id
    from labels join persona_nodes using (node_no) anti join merged using (persona_id)
),
links as (
    select
        l.cluster_no as left_cluster, r.cluster_no as right_cluster, value_no, kind, value, guard
    from held
    join labels as l on l.node_no = left_no
    join labels as r on r.node_no = right_no
    join joint_values using (value_no)
),
-- Only of those who meet in a pair.
asked as (
    select left_cluster as cluster_no from links union select right_cluster from links
),
cluster_called as (
    select cluster_no, arg_max(name, (length(name), name)) as name
    from (
        select cluster_no,
            coalesce(nullif(concat_ws(' ', first_name, last_name, suffix), ''), full_name) as name
        from folded
        join nodes using (source_record_id)
        join labels on labels.node_no = nodes.record_no
        union all
        select cluster_no,
            coalesce(nullif(concat_ws(' ', first_name, last_name, suffix), ''), full_name)
        from stored_personas
        join persona_nodes using (persona_id)
        join labels on labels.node_no = persona_nodes.node_no
    )
    semi join asked using (cluster_no)
    group by cluster_no
),
sided as (
    select
        least(one.persona_id, other.persona_id) as left_id,
        greatest(one.persona_id, other.persona_id) as right_id,
        value_no, kind, value, guard,
        case when one.persona_id < other.persona_id then left_cluster else right_cluster end
            as older_cluster,
        case when one.persona_id < other.persona_id then right_cluster else left_cluster end
            as newer_cluster
    from links
    join cluster_people as one on one.cluster_no = left_cluster
    join cluster_people as other on other.cluster_no = right_cluster
    where one.persona_id <> other.persona_id
),
pairs as (
    select
        left_id, right_id, arg_min(guard, (value_no, guard)) as guard,
        arg_min(kind, value_no) as kind, arg_min(value, value_no) as value,
        to_json(struct_pack(
            "left" := any_value(older.name), "right" := any_value(newer.name),
            links := list(distinct struct_pack(guard := guard, kind := kind, value := value)
                order by struct_pack(guard := guard, kind := kind, value := value))
        ))::varchar as evidence
    from sided
    left join cluster_called as older on older.cluster_no = older_cluster
    left join cluster_called as newer on newer.cluster_no = newer_cluster
    group by left_id, right_id
),
holding as (
    select kind, value,
        count(*) filter (was_exclusive is null) as arriving, count(*) as people,
        list(persona_id order by persona_id)[:20] as examples
    from holdings
    semi join (
        select kind, value from stored_shared union all select kind, value from shared_values
    ) as crowded using (kind, value)
    group by kind, value
),
crowds as (
    select
        kind as left_id, value as right_id, 'shared_value' as guard, kind, value,
        case when stored_shared.people is null then holding.people
            else stored_shared.people + arriving - coalesce(leaving, 0) end as people,
        examples
    from holding
    left join stored_shared using (kind, value)
    left join shared_values using (kind, value)
    left join (
        select kind, value, count(*) as leaving
        from (from stored_identities anti join holdings using (kind, value, persona_id))
        group by kind, value
    ) as left_behind using (kind, value)
    where stored_shared.people is not null
        or shared_values.people is not null and holding.people > 1
),
-- Pairs of whom one was merged are now about the person who took over; what was judged stays.
moved as (
    select stored.*,
        coalesce(l.merged_into, left_id) as one_id, coalesce(r.merged_into, right_id) as other_id
    from stored_candidates as stored
    left join merged as l on l.persona_id = left_id
    left join merged as r on r.persona_id = right_id
    where judgement is null and (l.persona_id is not null or r.persona_id is not null)
),
followed as (
    select least(one_id, other_id) as left_id, greatest(one_id, other_id) as right_id,
        guard, kind, value, evidence
    from moved
    where one_id <> other_id
)
select 'insert' as action, null::bigint as version, arriving.*,
    (select import_id from facts) as import_id
from (
    from pairs
    union all
    select left_id, right_id, guard, kind, value, evidence
    from followed
    anti join pairs using (left_id, right_id)
    qualify row_number() over (partition by left_id, right_id order by kind, value, guard) = 1
) as arriving
anti join stored_candidates using (left_id, right_id)
union all by name
select 'delete' as action, version, left_id, right_id from moved
union all by name
select
    case when stored.left_id is null then 'insert' else 'update' end as action, stored.version,
    crowds.* exclude (people, examples),
    to_json(struct_pack(people := crowds.people, examples := coalesce(stored.examples, crowds.examples)))::varchar
        as evidence,
    stored.left_lead_ids, stored.right_lead_ids, stored.judgement, stored.judged_by,
    stored.judged_at, (select import_id from facts) as import_id
from crowds
left join stored_candidates as stored using (left_id, right_id)
where stored.people is distinct from crowds.people
