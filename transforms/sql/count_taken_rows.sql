-- How many rows of a file each rule takes.
-- Reads    staged
-- Returns  rule_no (null: no rule), row_count.
select board_no($source, $lead_source, {texts}) as rule_no, count(*) as row_count
from staged
group by all
