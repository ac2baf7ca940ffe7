-- Which claims the people of this batch state, and which of them several people state.
-- Reads    claims, assigned, lead_changes, stored_identities, stored_shared, shared_values, held,
--          labels, joint_values, merged, stored_leads, sources
-- Returns  said_claims: kind, value, persona_id.
--          divided: kind, value; a guard found it to be several people's, now or earlier.
create or replace table said_claims as
select distinct claims.kind, claims.value, assigned.persona_id
from claims
join assigned using (record_no)
semi join (
    select source_record_id from lead_changes where action in ('insert', 'update', 'unchanged')
) as taking using (source_record_id);

create or replace table divided as
with held_apart as (
    select distinct kind, value
    from held
    join joint_values using (value_no)
    join labels as l on l.node_no = left_no
    join labels as r on r.node_no = right_no
    where guard <> 'bridge' and l.cluster_no <> r.cluster_no and is_guarded
),
asked as (
    select kind, value from stored_shared
    union all
    select kind, value from stored_identities where not is_exclusive
    union all
    select kind, value from shared_values
    union all
    from held_apart
),
-- Of these values alone: they are few.
several as (
    select kind, value
    from (
        select kind, value, persona_id from said_claims semi join asked using (kind, value)
        union all
        select kind, value, coalesce(merged.merged_into, persona_id)
        from stored_identities semi join asked using (kind, value)
        left join merged using (persona_id)
    )
    group by kind, value having min(persona_id) <> max(persona_id)
)
select kind, value
from stored_shared
left join (select kind, value, count(*) as known from stored_identities group by all) using (kind, value)
-- But of those whose holders are all known, and are one by now.
where people > coalesce(known, 0) or (kind, value) in (from several)
union
-- One holder left, since the others were merged: it is that one's alone again.
select kind, value from stored_identities
where not is_exclusive
group by kind, value
having count(*) < any_value(holders) or (kind, value) in (from several)
union
select kind, value from shared_values semi join several using (kind, value)
union
select kind, value from held_apart semi join several using (kind, value);

-- Who was refused the value while it was one person's has it from now on, like the others.
insert into said_claims
with leads as (
    select coalesce(merged.merged_into, persona_id) as persona_id, list_concat(
        claims_of(claim_space, crm_id, phones, email_keys), coalesce(claims, [])
    ) as said
    from stored_leads left join sources using (source) left join merged using (persona_id)
),
stated as (
    select
        persona_id, split_part(claim, '=', 1) as kind, substr(claim, strpos(claim, '=') + 1) as value
    from (select persona_id, unnest(said) as claim from leads)
)
select distinct kind, value, persona_id
from stated
semi join divided using (kind, value)
anti join said_claims using (kind, value, persona_id);
