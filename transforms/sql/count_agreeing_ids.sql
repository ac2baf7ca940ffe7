-- Whether a one-off list that has the name of an earlier one is about the same people.
-- Reads    records, changed_records, claims, nodes, stored_leads
-- Returns  one row: common (ids that were there before), agreeing (those of them that share a
--          claim with what is stored, or whose rows are the same).
-- Promise  ids that were made from the row's content are not counted: they agree by themselves.
with known as (
    select source_record_id from records anti join changed_records using (source_record_id)
    where not starts_with(source_record_id, 'h1_')
),
changed as (
    select stored.source_record_id, coalesce(bool_or(
        claims.value = stored.crm_id
        or list_contains(stored.phones, claims.value)
        or list_contains(stored.email_keys, claims.value)
    ), false) as is_agreeing
    from stored_leads as stored
    join nodes using (source_record_id)
    left join claims using (record_no)
    where stored.is_in_batch and not starts_with(stored.source_record_id, 'h1_')
    group by stored.source_record_id
)
select
    (select count(*) from known) + (select count(*) from changed) as common,
    (select count(*) from known) + (select count(*) from changed where is_agreeing) as agreeing
