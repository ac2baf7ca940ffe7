-- The records that Postgres knows: what it holds of them, and what this file says.
-- Reads    stated, stored_leads, stored_versions
-- Returns  fold_input.
-- Promise  a statement that was made from the same text by other rules is replaced, not joined;
--          of several that are stored of the same text, only the last counts. Where its own lead
--          is all that is stored of it, the lead is the statement.
create or replace table fold_input as
select source_record_id, (1::bigint << 40) as seq, field_clocks, {stated}
from stated
semi join (select source_record_id from stored_leads where is_in_batch) as known
    using (source_record_id)
union all by name
select source_record_id, 0 as seq, field_clocks, {stated}
from (select * replace (canonical_json(extra) as extra) from stored_leads) as stored
where is_in_batch
    and source_record_id not in (select source_record_id from stored_versions)
    and (has_versions or not exists (
        select 1 from stated
        where stated.source_record_id = stored.source_record_id
            and stated.fingerprint = stored.fingerprint
    ))
union all by name
select source_record_id, seq, field_clocks, {stated}
from (
    from stored_versions
    qualify fingerprint is null
        or row_number() over (partition by source_record_id, fingerprint order by seq desc) = 1
) as version
where not exists (
    select 1 from stated
    where stated.source_record_id = version.source_record_id
        and stated.fingerprint = version.fingerprint
)
