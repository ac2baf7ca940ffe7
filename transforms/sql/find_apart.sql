-- Whom a judgement keeps apart.
-- Reads    stored_judgements, stored_leads, stored_undone, stored_personas, nodes, persona_nodes
-- Returns  apart: left_no, right_no, both ways round.
-- Promise  a judgement is about leads, and follows them to whichever person they belong; of a person
--          who had none it is about the person.
create or replace table apart as
with lead_nodes as (
    select lead_id, coalesce(nodes.record_no, persona_nodes.node_no) as node_no
    from stored_leads
    left join nodes on is_in_batch and nodes.source_record_id = stored_leads.source_record_id
    left join persona_nodes on persona_nodes.persona_id = stored_leads.persona_id
    union all
    select lead_id, record_no from stored_undone join nodes using (source_record_id)
),
sides as (
    select distinct left_id, right_id, side, node_no
    from stored_judgements join lead_nodes using (lead_id)
    union
    select left_id, right_id, side, node_no
    from stored_judgements join persona_nodes using (persona_id)
),
pairs as (
    select distinct l.node_no as left_no, r.node_no as right_no
    from sides as l
    join sides as r using (left_id, right_id)
    where l.side = 'left' and r.side = 'right' and l.node_no <> r.node_no
)
select distinct left_no, right_no
from (from pairs union all select right_no, left_no from pairs)
