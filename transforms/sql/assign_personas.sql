-- Every record -> its persona, and how it was matched.
-- Reads    nodes, claims, anchored, clusters (record_no, cluster_no: records without an anchor)
-- Returns  assigned: record_no, source_record_id, persona_id (null: a new persona), cluster_no,
--          seed (of the new persona's id), match_type.
-- Promise  a cluster follows the best claim that it shares with a record that has an anchor;
--          nothing stored is merged. The answer depends on the set of rows, never on their order.
create or replace table assigned as
with followable as (
    select claims.kind, claims.value, min(anchored.persona_id) as persona_id
    from claims join anchored using (record_no)
    group by claims.kind, claims.value
),
followed as (
    select
        clusters.cluster_no,
        arg_min(followable.persona_id, (claims.priority, followable.persona_id)) as persona_id
    from clusters
    join claims using (record_no)
    join followable using (kind, value)
    group by clusters.cluster_no
),
seeds as (
    select clusters.cluster_no, min((claims.priority, claims.kind, claims.value)) as seed
    from clusters join claims using (record_no)
    group by clusters.cluster_no
),
-- By which of its claims a record without an anchor met the others.
met as (
    select record_no, min(priority) as priority
    from claims
    semi join (
        select kind, value from claims group by kind, value having count(*) > 1
    ) as shared using (kind, value)
    group by record_no
)
select
    nodes.record_no, nodes.source_record_id, clusters.cluster_no,
    coalesce(anchored.persona_id, followed.persona_id) as persona_id,
    concat_ws(chr(31), seeds.seed[2], seeds.seed[3]) as seed,
    case
        when anchored.priority = 0 then 'source_record'
        when anchored.record_no is null and followed.persona_id is null
            and nodes.record_no = clusters.cluster_no then 'new'
        else ['crm_id', 'phone', 'email'][coalesce(anchored.priority, met.priority)]
    end as match_type
from nodes
left join anchored using (record_no)
left join clusters using (record_no)
left join followed using (cluster_no)
left join seeds using (cluster_no)
left join met using (record_no)
