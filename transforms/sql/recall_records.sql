-- The records of a file that was not read, since all that it holds is stored as it stands there.
-- Reads    stored_fingerprints
-- Returns  records, as group_records makes them, but for what the rows of a record would tell.
create or replace table records as
select
    source_record_id, null::bigint as row_count, null::bigint as line_no, fingerprint
from stored_fingerprints
