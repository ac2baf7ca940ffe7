-- The values that so many state that they may be nobody's own.
-- Reads    joint_values, value_nodes, node_names
-- Returns  crowded: value_no. value_names: value_no, name_no.
create or replace table crowded as
select value_no
from value_nodes
semi join (select value_no from joint_values where is_guarded) as guarded using (value_no)
group by value_no
having count(*) > (select shared_after from facts);

create or replace table value_names as
select distinct value_no, name_no
from value_nodes
semi join crowded using (value_no)
join node_names using (node_no)
