-- The stored personas that this batch may be about, numbered after its records.
-- Reads    nodes, stored_personas, stored_leads
-- Returns  persona_nodes: node_no, persona_id; the oldest first.
-- Promise  those that came with one import are ordered by their records, since the rest of an id
--          depends on their order in the file: the same rows give the same people.
create or replace table persona_nodes as
select
    persona_id,
    (select count(*) from nodes) + row_number() over (
        order by substr(persona_id, 9, 10), first_record nulls last, persona_id
    ) - 1 as node_no
from stored_personas
left join (
    select persona_id, min((source_file, source_record_id)) as first_record
    from stored_leads group by persona_id
) using (persona_id)
