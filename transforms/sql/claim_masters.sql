-- The id of the record that one was merged into is a claim as well: who comes under it later is known.
-- Reads    merges, match_keys, claims
-- Returns  claims, with those added.
insert into claims
select merges.record_no, merges.kind, merges.value, match_keys.priority
from merges
left join match_keys using (kind)
anti join claims using (record_no, kind, value)
