-- Which of the stored leads are those of the batch's records.
-- Reads    stored_leads, nodes, facts
-- Returns  stored_leads, with is_in_batch.
update stored_leads set is_in_batch = (
    source_file = (select source_file from facts)
    and source_record_id in (select source_record_id from nodes)
)
