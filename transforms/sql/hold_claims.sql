-- Who holds each claim of the batch from now on.
-- Reads    said_claims, divided, claims, assigned, lead_changes, merged, stored_identities,
--          match_keys, persona_nodes
-- Returns  contested: kind, value: several people state or hold it.
--          holdings: kind, value, persona_id, is_exclusive, was_exclusive (null: a new row).
--          taken_claims: record_no, kind, value: stated, but another person holds it.
-- Promise  one exclusive claim, one persona: who holds it keeps it, of several new ones the
--          oldest. A value that a guard found to be several people's is exclusive to none of
--          them, and each has a row; nor is a kind by which the policy does not match. Of a kind
--          that is always exclusive (CRM ids, strict_phone) only one person has a row.
create or replace table claimants as
with stored as (
    select
        kind, value, coalesce(merged.merged_into, persona_id) as persona_id,
        bool_or(is_exclusive) as was_exclusive,
        bool_or(merged.merged_into is null) as is_kept
    from stored_identities left join merged using (persona_id)
    group by all
)
select
    kind, value, persona_id, was_exclusive, coalesce(is_kept, false) as is_kept,
    stored.persona_id is not null as is_stored
from said_claims as said full join stored using (kind, value, persona_id);

create or replace table contested as
select kind, value from claimants group by kind, value having count(*) > 1;

create or replace table holdings as
with placed as (
    select *, first_value(persona_id) over (
        partition by kind, value order by not is_stored, node_no nulls last, persona_id
    ) as first_id
    from claimants
    semi join contested using (kind, value)
    left join persona_nodes using (persona_id)
    union all by name
    select *, persona_id as first_id from claimants anti join contested using (kind, value)
),
ruled as (
    select
        placed.*, match_keys.is_exclusive as is_strict,
        match_keys.kind is not null and (
            match_keys.priority is null or divided.kind is not null and not match_keys.is_exclusive
        ) as is_open
    from placed
    left join match_keys on match_keys.kind = placed.kind
    left join divided on divided.kind = placed.kind and divided.value = placed.value
)
select
    kind, value, persona_id,
    -- Of a kind that no contract and no policy knows any more, all stays as it is.
    not is_open and (is_strict is not null or coalesce(was_exclusive, true)) as is_exclusive,
    case when is_kept then was_exclusive end as was_exclusive
from ruled
where is_open or persona_id = first_id or (is_stored and not coalesce(is_strict, false));

create or replace table taken_claims as
select claims.record_no, claims.kind, claims.value
from claims
-- What one person alone states is held.
semi join contested using (kind, value)
join assigned using (record_no)
semi join (select source_record_id from lead_changes where action in ('insert', 'update'))
    as taking using (source_record_id)
anti join holdings using (kind, value, persona_id)
