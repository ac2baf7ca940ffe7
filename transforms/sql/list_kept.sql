-- What an undo cannot take back, and why.
-- Reads    edits, former_leads, stored_leads (as they will be), undoable_leads, statements, bared,
--          golden, stuck_moves, repeats, kept_opt_outs, disconnected
-- Returns  what, id, name, field, value, why: one row each.
with named as (
    select persona_id, coalesce(
        person_name(first_name, last_name, suffix, full_name, profile_name, company), phone, email,
        crm_id, persona_id
    ) as name
    from golden
),
gone as (
    select undoable_leads.persona_id, field
    from (
        select lead_id, crm_id, phones[1] as phone, emails[1] as email, {golden_texts},
            array_to_string(nullif(tags, []), ', ') as tags
        from statements where not is_active
    ) unpivot (value for field in (crm_id, phone, email, {golden_texts}, tags))
    join undoable_leads using (lead_id)
)
select 'persona' as what, persona_id as id, name, field, value,
    'edited by hand on ' || edited_at[:10] as why
from edits
join named using (persona_id)
where (persona_id, field) in (select (persona_id, field) from gone)
    or persona_id in (select persona_id from bared)
union all
select 'lead', lead_id, name, field, value,
    'edited by hand on ' || (texts_of(edited_fields)[field])[:10]
from (
    select lead_id, persona_id, edited_fields, {edited_of_lead} from stored_leads
) unpivot include nulls (value for field in ({edited_of_lead})) as texts
join undoable_leads using (lead_id)
join named on named.persona_id = texts.persona_id
where map_contains(texts_of(edited_fields), field)
union all
select 'lead', lead_id, name, 'persona', former_leads.persona_id, 'moved to somebody else since'
from stuck_moves
join former_leads using (lead_id)
join named on named.persona_id = former_leads.persona_id
union all
select 'persona', persona_id, name, 'leads', leads,
    'only what is undone had joined them; if they are not one: leadfold review --unmerge ' || persona_id
from disconnected
join named using (persona_id)
union all
select 'import', import_id, null, 'records', count(distinct lead_id)::varchar,
    'a later file states them again; if that was wrong, too: leadfold undo ' || import_id
from repeats
where is_active
group by import_id
union all
select 'opt_out', kind || ' ' || value, null, channel, source_file,
    'a later file of the feed may say the same'
from kept_opt_outs
order by what, id, field
