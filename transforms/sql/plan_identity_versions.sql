-- How it changes who holds a claim that somebody holds already.
-- Reads    met_identities, stored_identities, stored_personas, facts
-- Returns  plan_identity_versions: the table's columns; all are inserts.
-- Promise  who is the first to hold a claim, and who loses it with his last lead while nobody else
--          holds it, is told by the leads that state it, and not written down twice.
create or replace table plan_identity_versions as
with telling as (
    select *
    from met_identities
    where action <> 'insert' or persona_id in (select persona_id from stored_personas)
),
several as (
    select kind, value
    from (
        select kind, value, persona_id from stored_identities
        union all
        select kind, value, persona_id from met_identities
    )
    semi join telling using (kind, value)
    group by kind, value having min(persona_id) <> max(persona_id)
)
select
    'insert' as action, planned.kind, planned.value, planned.persona_id,
    stored.is_exclusive as was_exclusive,
    case when planned.action <> 'delete' then planned.is_exclusive end as is_exclusive,
    (select import_id from facts) as import_id
from telling as planned
left join stored_identities as stored using (kind, value, persona_id)
where planned.action = 'update' or (planned.kind, planned.value) in (from several)
