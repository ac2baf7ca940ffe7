-- By which CRM ids the records and people that meet are known.
-- Reads    value_nodes, claims, stored_identities, persona_nodes, sources
-- Returns  node_ids: node_no, kind (the CRM's name space), value.
create or replace table node_ids as
with spaces as (select distinct claim_space as kind from sources),
met as (select distinct node_no from value_nodes)
select distinct node_no, kind, value
from (
    select record_no as node_no, kind, value from claims
    union all
    select node_no, kind, value from stored_identities join persona_nodes using (persona_id)
)
semi join spaces using (kind)
semi join met using (node_no)
