-- How many people of no name state each value that many state: by their CRM ids.
-- Reads    value_nodes, joint_values, node_names, node_ids, value_people
-- Returns  shared_values: kind, value, people.
-- Promise  one name under many CRM ids is one person, unless the policy says that two ids of one
--          CRM never are; ids of two CRMs may be one person's.
create or replace table shared_values as
with nameless as (
    select value_no, kind, count(distinct value) as people
    from value_nodes
    join crowded using (value_no)
    join node_ids using (node_no)
    left join node_names using (node_no)
    where name_no is null or (select is_vetoed from facts)
    group by value_no, kind
),
counted as (
    select value_no,
        case when (select is_vetoed from facts) then max(people) else sum(people) end as people
    from (
        select value_no, people from value_people
        union all
        select value_no, max(people) from nameless group by value_no
    )
    group by value_no
)
select value_no, kind, value, people
from counted join joint_values using (value_no)
where people > (select shared_after from facts)
