-- The records of tangled clusters whose own lead has a stored person.
-- Reads    folded, nodes, persona_nodes, labels, tangled
-- Returns  record_no, node_no (of the person).
select nodes.record_no, persona_nodes.node_no
from folded
join nodes using (source_record_id)
join persona_nodes on persona_nodes.persona_id = folded.stored_persona_id
join labels on labels.node_no = nodes.record_no
semi join tangled using (cluster_no)
order by all
