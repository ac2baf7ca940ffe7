-- Whom somebody has judged to be one person.
-- Reads    decisions, persona_nodes
-- Returns  left_no, right_no.
select one.node_no as left_no, other.node_no as right_no
from decisions
join persona_nodes as one on one.persona_id = one_id
join persona_nodes as other on other.persona_id = other_id
where judgement = 'same'
