-- By what the records of a file that are leads now are known again, all of them at once.
-- Reads    landed, issues, records
-- Returns  one text: how many they are, and the sum of their statements' digests.
-- Promise  a record with a rejected row is none of them: of it a lead has no fingerprint.
with refused as (
    select source_record_id from landed
    semi join (select line_no from issues where severity = 'reject') as rejects using (line_no)
)
select records_digest(source_record_id, fingerprint)
from records anti join refused using (source_record_id)
