-- Which records differ from what Postgres holds of them.
-- Reads    records, stored_fingerprints
-- Returns  changed_records: source_record_id, row_count, fingerprint.
-- Promise  a record is left out only where the same set of rows has been taken in before.
create or replace table changed_records as
select records.*
from records
left join stored_fingerprints as stored using (source_record_id)
where stored.fingerprint is distinct from records.fingerprint
