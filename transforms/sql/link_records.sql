-- The links among records that follow no stored persona themselves.
-- Reads    claims, anchored
-- Returns  links: left_no, right_no; a star for each claim that two or more of them share.
-- Promise  as many links as claims at most: a phone that 100,000 rows share costs 100,000 links.
create or replace table links as
with loose as (
    select claims.* from claims anti join anchored using (record_no)
),
hubs as (
    select kind, value, min(record_no) as hub_no
    from loose
    group by kind, value
    having count(*) > 1
)
select hubs.hub_no as left_no, loose.record_no as right_no
from loose join hubs using (kind, value)
where loose.record_no <> hubs.hub_no
