-- The people of lone records hold all that these claim.
-- Reads    lone_records, all_claims, match_keys, facts
-- Returns  adds to lone_identities: the columns of plan_identities, for the records from the number
--          `first` to the number `last`.
-- Promise  what hold_claims says of one statement alone.
insert into lone_identities
select
    'insert' as action, claims.kind, value,
    numbered_id('persona', facts.id_part, lone_no) as persona_id,
    match_keys.kind is null or match_keys.priority is not null as is_exclusive
from (from all_claims where record_no between $first and $last) as claims
join (from lone_records where record_no between $first and $last) as lone using (record_no)
left join match_keys using (kind)
cross join facts
