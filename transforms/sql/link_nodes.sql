-- The links among the records of the batch and the people whom Postgres knows.
-- Reads    value_nodes, folded, nodes, persona_nodes
-- Returns  links: left_no, right_no; each record to the person of its own lead, and a star for
--          each value.
-- Promise  as many links as claims at most: a phone that 100,000 rows share costs 100,000 links.
create or replace table links as
select nodes.record_no as left_no, persona_nodes.node_no as right_no
from folded
join nodes using (source_record_id)
join persona_nodes on persona_nodes.persona_id = folded.stored_persona_id
union all
select hubs.node_no, value_nodes.node_no
from value_nodes
join (select value_no, min(node_no) as node_no from value_nodes group by value_no) as hubs
    using (value_no)
where value_nodes.node_no <> hubs.node_no
