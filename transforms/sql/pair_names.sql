-- The names that would become one person's.
-- Reads    labels, node_names, names, value_nodes
-- Returns  cluster_names: cluster_no, name_no; of clusters with different first names or suffixes.
--          many_named: cluster_no of those with so many that pairs would not end.
--          name_pairs: left_no, right_no (left_no < right_no); of the many-named only those who
--          meet by a value of few names, which is nearly all that untangling asks for.
create or replace table cluster_names as
with named as (
    select distinct cluster_no, name_no, first_key, suffix_key
    from labels join node_names using (node_no) join names using (name_no)
    where first_key is not null or suffix_key is not null
)
select cluster_no, name_no
from named
semi join (
    select cluster_no from named
    group by cluster_no
    having count(distinct first_key) > 1 or count(distinct suffix_key) > 1
) as differing using (cluster_no);

create or replace table many_named as
select cluster_no from cluster_names group by cluster_no having count(*) > 50;

create or replace table name_pairs as
with met_names as (
    select distinct value_no, name_no
    from value_nodes
    join labels using (node_no)
    semi join many_named using (cluster_no)
    join node_names using (node_no)
    qualify dense_rank() over (partition by value_no order by name_no) <= 50
)
select distinct l.name_no as left_no, r.name_no as right_no
from (from cluster_names anti join many_named using (cluster_no)) as l
join cluster_names as r using (cluster_no)
where l.name_no < r.name_no
union
select l.name_no, r.name_no
from met_names as l
join met_names as r using (value_no)
where l.name_no < r.name_no
