-- By which names the records and people that meet are known.
-- Reads    value_nodes, nodes, persona_nodes, folded, stored_leads, stored_personas
-- Returns  one row for each node and name: node_no and the parts of the name.
with met as (select distinct node_no from value_nodes)
select distinct node_no, first_name, last_name, full_name, suffix
from (
    select nodes.record_no as node_no, first_name, last_name, full_name, suffix
    from folded join nodes using (source_record_id)
    union all
    select node_no, first_name, last_name, full_name, suffix
    from stored_leads join persona_nodes using (persona_id)
    union all
    select node_no, first_name, last_name, full_name, suffix
    from stored_personas join persona_nodes using (persona_id)
)
semi join met using (node_no)
