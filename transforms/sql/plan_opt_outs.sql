-- Opt-outs that are not written down yet.
-- Reads    stated_opt_outs, stored_opt_outs, facts
-- Returns  plan_opt_outs: the table's columns; all are inserts.
-- Promise  an opt-out of a rejected or duplicate row counts; one that is there is not written
--          again; the earliest time is kept.
create or replace table plan_opt_outs as
select
    'insert' as action, kind, value, channel, facts.source_file, min(clock) as stated_at, facts.import_id
from stated_opt_outs
anti join stored_opt_outs using (kind, value, channel)
cross join facts
group by all
