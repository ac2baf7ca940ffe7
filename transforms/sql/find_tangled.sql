-- The clusters in which not all can be one person.
-- Reads    labels (node_no, cluster_no), persona_nodes, node_names, names, contradictions,
--          node_ids, apart
-- Returns  tangled: cluster_no.
-- Promise  a cluster that is not in it has one stored person at most, and no two members of whom
--          a guard would say that they are two.
create or replace table tangled as
select cluster_no
from labels join persona_nodes using (node_no)
group by cluster_no having count(*) > 1
union
select l.cluster_no
from cluster_names as l join cluster_names as r using (cluster_no)
join contradictions on left_no = l.name_no and right_no = r.name_no
union
select cluster_no
from many_named
union
select cluster_no
from labels join node_ids using (node_no)
where (select is_vetoed from facts)
group by cluster_no, kind having count(distinct value) > 1
union
select one.cluster_no
from apart
join labels as one on one.node_no = apart.left_no
join labels as other on other.node_no = apart.right_no
where one.cluster_no = other.cluster_no
