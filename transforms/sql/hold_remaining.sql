-- Who holds each claim once an import is undone, or leads are moved.
-- Reads    said_claims, affected_claims, split_claims, stored_identities, identity_log, stored_shared, merged,
--          match_keys, persona_nodes
-- Returns  holdings: kind, value, persona_id, is_exclusive, was_exclusive (null: a new row).
-- Promise  who held a claim before the import holds it again if a lead still states it. A value
--          that several people held stays theirs while several state it, and so does one that
--          both sides of a split state; else it is exclusive to one of those who state it: who
--          holds it, or the oldest.
create or replace table held_before as
with reverted as (
    select log.kind, log.value, log.persona_id, log.was_exclusive
    from identity_log as log
    left join stored_identities as stored using (kind, value, persona_id)
    -- What changed again since is as it is now.
    where stored.is_exclusive is not distinct from log.is_exclusive
),
holding as (
    select kind, value, persona_id, is_exclusive from stored_identities
    anti join reverted using (kind, value, persona_id)
    union all
    select kind, value, persona_id, was_exclusive from reverted where was_exclusive is not null
)
select kind, value, coalesce(merged.merged_into, persona_id) as persona_id,
    bool_and(is_exclusive) as is_exclusive
from holding left join merged using (persona_id)
group by all;

create or replace table holdings as
with known_kinds as (select distinct kind, priority, is_guarded, is_exclusive as is_strict from match_keys),
claimants as (
    select said.kind, said.value, said.persona_id, before.persona_id is not null as is_holder,
        before.is_exclusive
    from said_claims as said
    left join held_before as before using (kind, value, persona_id)
    semi join affected_claims using (kind, value)
    union all
    -- Kinds that no contract and no policy knows any more.
    select kind, value, persona_id, true, is_exclusive
    from held_before
    where kind not in (select kind from known_kinds)
        and persona_id in (select persona_id from stored_leads)
),
counted as (
    select *,
        count(*) over same as staters,
        count(*) filter (is_holder) over same as holders,
        coalesce(bool_or(not is_exclusive) over same, false) as was_open
    from claimants
    window same as (partition by kind, value)
),
ruled as (
    select
        counted.*, known_kinds.is_strict, persona_nodes.node_no,
        case
            when known_kinds.kind is null then not counted.is_exclusive
            when known_kinds.priority is null then true
            when known_kinds.is_strict then false
            when split_claims.kind is not null and known_kinds.is_guarded then true
            else counted.holders > 1 or was_open and staters > 1
                or coalesce(stored_shared.people, 0) - coalesce(fetched.holders, 0) + staters > 1
                    and stored_shared.people is not null
        end as is_open
    from counted
    left join known_kinds using (kind)
    left join stored_shared using (kind, value)
    left join split_claims using (kind, value)
    left join (
        select kind, value, count(*) as holders from stored_identities group by all
    ) as fetched using (kind, value)
    left join persona_nodes using (persona_id)
),
placed as (
    select *, first_value(persona_id) over (
        partition by kind, value
        order by not is_holder, substr(persona_id, 9, 10), node_no nulls last, persona_id
    ) as first_id
    from ruled
)
select
    placed.kind, placed.value, placed.persona_id, not is_open as is_exclusive,
    stored.is_exclusive as was_exclusive
from placed
left join stored_identities as stored using (kind, value, persona_id)
where is_open or placed.persona_id = first_id
union all
-- Of those who are fetched only since they share another claim.
select kind, value, persona_id, is_exclusive, is_exclusive
from stored_identities
anti join affected_claims using (kind, value)
where kind in (select kind from match_keys)
