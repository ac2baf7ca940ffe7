-- What the people and records of a plan are called, and where the file first speaks of them.
-- Reads    golden, stored_personas, lead_changes, new_leads, conformed: all rows of a file whose plan
--          is read (flows/staging.py, _fetch_known)
-- Returns  plan_people: persona_id, name, key_values (as they will be), line_no, source_record_id and
--          found_by (of the first record about them; null where the file has none).
--          plan_records: source_record_id, line_no (the first), name (as the file has it).
create or replace table plan_records as
select
    source_record_id, min(line_no) as line_no,
    arg_min(person_name(first_name, last_name, suffix, full_name, profile_name, company), line_no)
        as name
from conformed
group by source_record_id;

create or replace table plan_people as
with people as (
    select persona_id, crm_id, phone, email, {golden_texts} from golden
    union all by name
    select persona_id, crm_id, phone, email, {golden_texts}
    from stored_personas anti join golden using (persona_id)
),
first_records as (
    select
        persona_id, min(line_no) as line_no,
        arg_min(source_record_id, (line_no, source_record_id)) as source_record_id,
        arg_min(match_type, (line_no, source_record_id)) as found_by
    from lead_changes
    join plan_records using (source_record_id)
    where action in ('insert', 'update', 'unchanged')
    group by persona_id
),
named as (
    select *, person_name(first_name, last_name, suffix, full_name, profile_name, company) as called
    from people
)
select
    persona_id, coalesce(called, phone, email, crm_id, persona_id) as name,
    key_values(called, phone, email, coalesce(crm_id, persona_id)) as key_values,
    line_no, source_record_id, found_by
from named
left join first_records using (persona_id)
