-- What holds of each record, after this file.
-- Reads    stated, fold_output (of the records that were known), stored_leads
-- Returns  folded: one row per source record of the batch, with its stored lead where there is one.
-- Promise  a blank never erases; what somebody edited by hand stays.
create or replace table folded as
with leads as (
    from stated anti join fold_output using (source_record_id)
    union all by name
    select fold_output.*, stated.fingerprint
    from fold_output join stated using (source_record_id)
)
select
    said.* replace ({kept_edited_texts}),
    stored.lead_id as stored_lead_id, stored.persona_id as stored_persona_id,
    stored.import_id as stored_import_id, stored.version,
    coalesce(stored.is_deleted or stored.is_missing, false) as was_ended
from leads as said
left join (select * from stored_leads where is_in_batch) as stored using (source_record_id)
