-- Who is kept apart by taking a person apart.
-- Reads    parts, golden, said_claims, plan_merge_candidates
-- Returns  judged_parts: one row for each two parts, with what they share. plan_merge_candidates,
--          without those.
create or replace table judged_parts as
with called as (
    select persona_id, person_name(first_name, last_name, suffix, full_name, profile_name, company)
        as name
    from golden
),
leads as (
    select persona_id, list(lead_id order by lead_id) as lead_ids from parts group by persona_id
),
pairs as (
    select l.persona_id as left_id, r.persona_id as right_id,
        l.lead_ids as left_lead_ids, r.lead_ids as right_lead_ids
    from leads as l join leads as r on l.persona_id < r.persona_id
),
shared as (
    select
        left_id, right_id, arg_min(one.kind, (one.kind, one.value)) as kind,
        arg_min(one.value, (one.kind, one.value)) as value,
        list(
            struct_pack(guard := 'judgement', kind := one.kind, value := one.value)
            order by one.kind, one.value
        ) as links
    from pairs
    join said_claims as one on one.persona_id = left_id
    join said_claims as other on other.persona_id = right_id
        and other.kind = one.kind and other.value = one.value
    group by left_id, right_id
)
select
    left_id, right_id, 'judgement' as guard, coalesce(shared.kind, '') as kind,
    coalesce(shared.value, '') as value,
    to_json(struct_pack(
        "left" := l.name, "right" := r.name, links := coalesce(links, [])
    ))::varchar as evidence,
    left_lead_ids, right_lead_ids
from pairs
left join shared using (left_id, right_id)
left join called as l on l.persona_id = left_id
left join called as r on r.persona_id = right_id;

delete from plan_merge_candidates
where (left_id, right_id) in (select (left_id, right_id) from judged_parts)
