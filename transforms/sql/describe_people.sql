-- Those whom the ranked pairs are about, as people know them.
-- Reads    described (persona_id), stored_personas, stored_leads, lead_claims, import_files
-- Returns  persona_id, name, ids, phones, emails, company, city, records, last_seen.
-- Promise  a list stands in one order, whatever the order in which Postgres gave its rows.
with stated as (
    select persona_id,
        list(coalesce(file_name, source_file) order by coalesce(file_name, source_file), line_no)
            as files,
        list(line_no order by coalesce(file_name, source_file), line_no) as lines,
        max(coalesce(clock, imported_at)) as last_seen
    from stored_leads
    semi join described using (persona_id)
    left join import_files using (import_id)
    group by persona_id
),
claims as (
    select persona_id,
        list(distinct kind || ' ' || value order by kind || ' ' || value)
            filter (kind not in ('phone', 'email') and not contains(kind, '+')) as ids,
        list(distinct value order by value) filter (kind = 'phone') as phones
    from lead_claims semi join described using (persona_id)
    group by persona_id
),
addresses as (
    select persona_id, list(distinct email order by email) as emails
    from (
        select persona_id, unnest(emails) as email from stored_leads
        union all
        select persona_id, email from stored_personas where email is not null
    )
    semi join described using (persona_id)
    group by persona_id
)
select
    persona_id,
    coalesce(
        nullif(concat_ws(' ', first_name, last_name, suffix), ''), full_name, profile_name, ''
    ) as name,
    coalesce(ids, []) as ids, coalesce(phones, []) as phones, coalesce(emails, []) as emails,
    coalesce(company, '') as company, coalesce(city, '') as city, coalesce(files, []) as files,
    coalesce(lines, []) as lines, last_seen
from stored_personas
semi join described using (persona_id)
left join stated using (persona_id)
left join claims using (persona_id)
left join addresses using (persona_id)
order by persona_id
