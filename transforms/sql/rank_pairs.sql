-- How certain it is of each pair that they are one person.
-- Reads    pairs (pair_no, one_id, other_id, left_id, right_id, guard), lead_claims, crowd_values,
--          person_names, names, contradictions, claim_points, name_points, guard_places, sources
-- Returns  shared_claims: pair_no, kind, value, points.
--          ranked_pairs: pair_no, names (same, agree, unknown, contradict), points; place, 1 the most
--          certain.
-- Promise  a value of many people counts for nothing; the place depends on ids only where all else
--          is equal.
create or replace table shared_claims as
with person_claims as (
    select distinct persona_id, kind, value
    from lead_claims anti join crowd_values using (kind, value)
)
select pair_no, kind, value, coalesce(by_kind.points, spaces.points, others.points) as points
from pairs
join person_claims as one on one.persona_id = one_id
join person_claims as other using (kind, value)
left join claim_points as by_kind using (kind)
left join (
    select distinct claim_space as kind, points from sources, claim_points where kind = 'crm_id'
) as spaces using (kind)
left join (select points from claim_points where kind = 'composite') as others on true
where other.persona_id = other_id and one_id <> other_id;

create or replace table ranked_pairs as
with called as (
    select persona_id, names.*, nullif(concat_ws(' ', first_key, last_key), '') as whole
    from person_names join names using (name_no)
),
compared as (
    select
        pair_no, left_id, right_id, pairs.guard, one.whole as one_whole, other.whole as other_whole,
        case
            when contradictions.guard is not null then 'contradict'
            when one.whole = other.whole and contains(one.whole, ' ')
                and one.suffix_key is not distinct from other.suffix_key then 'same'
            when one.first_key is not null and other.first_key is not null
                and coalesce(one.last_key = other.last_key, true) then 'agree'
            else 'unknown'
        end as names
    from pairs
    left join called as one on one.persona_id = one_id
    left join called as other on other.persona_id = other_id
    left join contradictions
        on contradictions.left_no = one.name_no and contradictions.right_no = other.name_no
),
shared as (
    select pair_no, sum(points) as points, min((kind, value)) as first_claim
    from shared_claims group by pair_no
)
select
    pair_no, compared.names, (coalesce(shared.points, 0) + name_points.points)::bigint as points,
    row_number() over (
        order by coalesce(shared.points, 0) + name_points.points desc,
            guard_places.place nulls last, one_whole nulls last, other_whole nulls last,
            first_claim nulls last, left_id, right_id
    ) as place
from compared
join name_points using (names)
left join shared using (pair_no)
left join guard_places using (guard)
