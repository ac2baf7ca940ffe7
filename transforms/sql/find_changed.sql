-- Which records differ from what Postgres holds of them.
-- Reads    records, landed, stored_fingerprints
-- Returns  changed_records: source_record_id, row_count, fingerprint. changed_lines: line_no of their
--          rows, in order.
-- Promise  a record is left out only where the same set of rows has been taken in before.
create or replace table changed_records as
select records.*
from records
left join stored_fingerprints as stored using (source_record_id)
where stored.fingerprint is distinct from records.fingerprint;

create or replace table changed_lines as
select line_no from landed semi join changed_records using (source_record_id) order by line_no
