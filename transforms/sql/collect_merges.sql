-- Which other record of the CRM each one was merged into, as a claim that joins whatever it meets.
-- Reads    staged, nodes, facts
-- Returns  merges: record_no, kind, value.
create or replace table merges as
select distinct nodes.record_no, (select claim_space from facts) as kind, staged.merged_into as value
from staged
join nodes using (source_record_id)
where staged.merged_into is not null
    -- A policy that leaves known people as they are merges none either.
    and (select on_duplicate from facts) = 'update'
