-- The points of people, as the policy declares them.
-- Reads    scored_people (persona_id and golden fields, tags as text), score_leads (persona_id,
--          source, lead_status, moment; live ones), score_rules (kind, name, points), score_now
-- Returns  score_parts: persona_id, part, points, of what counts. scores: persona_id, score as text.
-- Promise  a person without any points has a score of 0.
create or replace table score_parts as
with filled as (
    unpivot scored_people on columns(* exclude (persona_id)) into name name value value
),
states as (
    select persona_id, lower(trim(arg_max(lead_status, row(coalesce(moment, '-infinity'::timestamptz), lead_status)))) as name
    from score_leads where lead_status is not null group by persona_id
),
moments as (
    select persona_id, max(moment) as moment from score_leads group by persona_id
),
windows as (
    select persona_id, min(name::bigint) as days
    from moments
    cross join score_rules
    cross join score_now
    where kind = 'recent' and moment >= now - to_days(name::integer)
    group by persona_id
)
select persona_id, 'has ' || replace(name, '_', ' ') as part, points
from filled join score_rules using (name) where kind = 'has'
union all
select persona_id, 'source ' || name, points
from (select distinct persona_id, source as name from score_leads)
join score_rules using (name) where kind = 'source'
union all
select persona_id, 'status ' || name, points
from states join score_rules using (name) where kind = 'status'
union all
select persona_id, 'within ' || days || ' days', points
from windows join score_rules on name = days::varchar where kind = 'recent';

create or replace table scores as
select
    scored_people.persona_id,
    rtrim(rtrim(printf('%.4f', coalesce(sum(points), 0)), '0'), '.') as score
from scored_people
left join score_parts using (persona_id)
group by scored_people.persona_id
