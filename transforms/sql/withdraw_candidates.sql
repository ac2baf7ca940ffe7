-- Which pairs are candidates no more, or are again, once an import is undone.
-- Reads    stored_candidates, row_log, own_judgements, said_claims, golden, removed_personas, holdings,
--          stored_identities, stored_shared, facts
-- Returns  plan_merge_candidates: action, version, and the table's columns.
-- Promise  a pair stays while both are live and share one of the values for which it was told; what
--          was judged stays, unless the judgement itself is undone. A shared value stays while
--          more people hold it than the policy allows.
create or replace table restored_candidates as
select
    before->>'left_id' as left_id, before->>'right_id' as right_id, before->>'guard' as guard,
    before->>'kind' as kind, before->>'value' as value, (before->'evidence')::varchar as evidence,
    from_json(before->'left_lead_ids', '["VARCHAR"]') as left_lead_ids,
    from_json(before->'right_lead_ids', '["VARCHAR"]') as right_lead_ids,
    before->>'judgement' as judgement, before->>'judged_by' as judged_by,
    (before->>'judged_at')::timestamptz as judged_at, before->>'import_id' as import_id
from row_log where table_name = 'merge_candidates' and is_last;

create or replace table known_candidates as
select
    stored.* exclude (examples, people, left_lead_ids, right_lead_ids, judgement, judged_by,
        judged_at),
    -- Of a judgement that is undone, what stood there before.
    case when restored.left_id is null then stored.left_lead_ids else restored.left_lead_ids end
        as left_lead_ids,
    case when restored.left_id is null then stored.right_lead_ids else restored.right_lead_ids end
        as right_lead_ids,
    case when restored.left_id is null then stored.judgement else restored.judgement end as judgement,
    case when restored.left_id is null then stored.judged_by else restored.judged_by end as judged_by,
    case when restored.left_id is null then stored.judged_at else restored.judged_at end as judged_at
from stored_candidates as stored
left join restored_candidates as restored using (left_id, right_id)
union all by name
select null::bigint as version, restored.*
from restored_candidates as restored
anti join stored_candidates using (left_id, right_id);

create or replace table kept_candidates as
with links as (
    select left_id, right_id, unnest(
        from_json(evidence::json->'links', '[{"kind":"VARCHAR","value":"VARCHAR"}]')
    ) as link
    from known_candidates where guard <> 'shared_value'
),
live as (
    select persona_id from golden anti join removed_personas using (persona_id)
    where merged_into is null
),
sharing as (
    select distinct left_id, right_id
    from links
    join said_claims as l
        on l.persona_id = left_id and l.kind = link.kind and l.value = link.value
    join said_claims as r
        on r.persona_id = right_id and r.kind = link.kind and r.value = link.value
    where left_id in (from live) and right_id in (from live)
),
strangers as (
    -- Of whom one is not fetched: they have nothing to do with it.
    select left_id, right_id from known_candidates
    where left_id not in (select persona_id from golden)
        or right_id not in (select persona_id from golden)
)
select * from known_candidates
anti join own_judgements using (left_id, right_id)
where guard <> 'shared_value' and (
    judgement is not null
    or (left_id, right_id) in (from sharing)
    or version is not null and (left_id, right_id) in (from strangers)
);

insert into kept_candidates by name
with holding as (
    select kind, value, count(*) as people,
        count(*) filter (was_exclusive is null) as arriving
    from holdings group by kind, value
),
leaving as (
    select kind, value, count(*) as leaving
    from (from stored_identities anti join holdings using (kind, value, persona_id))
    group by kind, value
),
counted as (
    select
        known.*,
        case when shared.people is null then coalesce(holding.people, 0)
            else shared.people + coalesce(arriving, 0) - coalesce(leaving, 0) end as people,
        -- Names are counted when it is found, people when it is told: it may stand with fewer.
        least(
            (known.evidence::json->>'people')::bigint, (restored.evidence::json->>'people')::bigint
        ) as enough
    from known_candidates as known
    left join holding on holding.kind = known.left_id and holding.value = known.right_id
    left join leaving on leaving.kind = known.left_id and leaving.value = known.right_id
    left join stored_shared as shared on shared.kind = known.left_id and shared.value = known.right_id
    left join restored_candidates as restored
        on restored.left_id = known.left_id and restored.right_id = known.right_id
    where known.guard = 'shared_value'
)
select * exclude (people, enough, removed_ids) replace (
    to_json(struct_pack(
        people := people,
        examples := list_filter(
            from_json(evidence::json->'examples', '["VARCHAR"]'),
            lambda example: not list_contains(removed_ids, example)
        )
    ))::varchar as evidence
)
from counted
cross join (select coalesce(list(persona_id), []) as removed_ids from removed_personas) as gone
where people > (select shared_after from facts) or people >= enough;

create or replace table plan_merge_candidates as
select
    case when kept.version is null then 'insert' else 'update' end as action, kept.*
from kept_candidates as kept
left join stored_candidates as stored using (left_id, right_id)
where stored.left_id is null
    or kept.judgement is distinct from stored.judgement
    or kept.judged_at is distinct from stored.judged_at
    or kept.evidence::json is distinct from stored.evidence::json
union all by name
select 'delete' as action, version, left_id, right_id
from stored_candidates anti join kept_candidates using (left_id, right_id)
