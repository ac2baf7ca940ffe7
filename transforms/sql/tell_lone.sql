-- Lone records among the others, for people to read.
-- Reads    lone_leads, lone_personas, lone_identities, folded
-- Returns  lead_changes, new_leads, golden and holdings, with theirs added.
-- Promise  run once: what is executed of a plan does not change by it.
delete from lead_changes where is_lone;

insert into lead_changes by name
select
    * exclude (
        version, source, source_file, lead_id, {placed}, fields, is_missing, line_no, import_id
    ),
    'new' as match_type, false as is_known, false as was_ended, false as is_ending, true as is_lone
from lone_leads;

insert into new_leads by name select source_record_id, lead_id from lone_leads;

insert into golden by name
select * exclude (action, version, claims, shared_claims, line_no, import_id) from lone_personas;

insert into holdings by name select * exclude (action) from lone_identities
