-- Whom a judgement keeps apart.
-- Reads    stored_judgements (left_lead_id, right_lead_id), stored_leads, nodes, persona_nodes
-- Returns  apart: left_no, right_no, both ways round.
-- Promise  a judgement is about leads, and follows them to whichever person they belong.
create or replace table apart as
with lead_nodes as (
    select lead_id, coalesce(nodes.record_no, persona_nodes.node_no) as node_no
    from stored_leads
    left join nodes on is_in_batch and nodes.source_record_id = stored_leads.source_record_id
    left join persona_nodes on persona_nodes.persona_id = stored_leads.persona_id
),
pairs as (
    select l.node_no as left_no, r.node_no as right_no
    from stored_judgements
    join lead_nodes as l on l.lead_id = left_lead_id
    join lead_nodes as r on r.lead_id = right_lead_id
    where l.node_no <> r.node_no
)
select distinct left_no, right_no
from (from pairs union all select right_no, left_no from pairs)
