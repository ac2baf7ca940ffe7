-- What reading noticed about rows that are taken in now.
-- Reads    reading_issues, landed, changed_records
-- Returns  issues, with those rows added.
-- Promise  of a record that was there before, nothing is told a second time.
insert into issues
select reading_issues.*
from reading_issues
semi join (
    select line_no from landed semi join changed_records using (source_record_id)
) as changed using (line_no)
