-- Leaves out the values that several people state: they identify none of them.
-- Reads    claims, stored_identities
-- Returns  claims, without those.
-- Promise  such a value neither finds a persona, nor links two records, nor gets a holder.
delete from claims
where (kind, value) in (select (kind, value) from stored_identities where not is_exclusive)
