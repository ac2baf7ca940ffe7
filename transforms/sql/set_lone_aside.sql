-- Sets the lone records aside: of one row each, new, and with nothing in common with anybody.
-- Reads    staged, records, nodes, claims, merges, stored_leads, stored_undone, stored_identities,
--          stored_shared, rules, facts
-- Returns  lone_records: record_no (in all_claims), source_record_id, line_no, fingerprint, and
--          lone_no, in the order of lines, which goes on where the record_no of nodes ends.
--          all_claims: the claims of all. nodes, claims, merges: of the others, numbered anew.
--          lone_other_claims: line_no, other_claims (as leads.claims spells them) that do not show in the row:
--          composites, and the record that it was merged into.
-- Promise  nobody else's person depends on them, nor theirs on anybody else: plan_lone.sql says of
--          them what all the steps between would say. What a policy wants to be looked at (people
--          whom nobody knows, the longest of several phones) is not lone.
create or replace table met_claims as
select kind, value
from (
    select kind, value from claims
    union all
    select kind, value from merges
    union all
    select kind, value from stored_identities
)
group by kind, value having count(*) > 1
union all
select kind, value from stored_shared;

create or replace table lone_records as
with met as (
    select record_no from claims semi join met_claims using (kind, value)
    union
    select record_no from nodes semi join (
        select source_record_id from stored_leads where is_in_batch
        union all
        select source_record_id from stored_undone
    ) using (source_record_id)
),
odd as (
    select line_no from staged where is_deleted or len(cleared) > 0
    union all
    select line_no from staged
    where (len(phones) > 1 or len(emails) > 1)
        and (select bool_or(rule in ('longest', 'max')) from rules where field in ('phone', 'email'))
),
lone as (
    select record_no, source_record_id, records.line_no, records.fingerprint
    from nodes
    join (from records where row_count = 1) as records using (source_record_id)
    anti join met using (record_no)
    anti join odd using (line_no)
    where (select on_missing from facts) <> 'reject'
)
select
    lone.*,
    (select count(*) from nodes) - (select count(*) from lone)
        + row_number() over (order by line_no) - 1 as lone_no
from lone
order by line_no;

create or replace table all_claims as from claims;

create or replace table lone_other_claims as
select lone.line_no, list(kind || '=' || value) as other_claims
from (
    select record_no, kind, value from claims
    where kind not in ('phone', 'email', (select claim_space from facts))
    union all
    select record_no, kind, value from merges
)
join lone_records as lone using (record_no)
group by lone.line_no;

create or replace table met_nodes as
select
    nodes.source_record_id, nodes.record_no as old_no,
    row_number() over (order by nodes.record_no) - 1 as record_no
from nodes anti join lone_records using (record_no);

create or replace table nodes as select source_record_id, record_no from met_nodes;

create or replace table claims as
select met_nodes.record_no, kind, value, priority
from all_claims join met_nodes on met_nodes.old_no = all_claims.record_no;

create or replace table merges as
select met_nodes.record_no, kind, value
from merges join met_nodes on met_nodes.old_no = merges.record_no
