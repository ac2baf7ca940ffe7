-- Which leads and people an undo takes away or brings back.
-- Reads    plan_personas, met_leads
-- Returns  adds to moving_rows: table_name, row_id, is_coming.
insert into moving_rows by name
select 'personas' as table_name, persona_id as row_id, action = 'insert' as is_coming
from plan_personas where action in ('insert', 'delete')
union all by name
select 'leads' as table_name, lead_id as row_id, action = 'insert' as is_coming
from met_leads where action in ('insert', 'delete')
