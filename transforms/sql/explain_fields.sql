-- Every value that was said of a field, ranked or passed over before ranking, and where it stands.
-- Reads    field_ranks, edits, persona_leads, all_leads, ended, holdings, stored_leads, statements,
--          said_values, rules
-- Returns  told_values: field, value, rule, reason, place (null but where reason is ranked), the
--          lead, all that the ranking looked at, and the statement (import_id, file_name, line_no).
--          reason: ranked; superseded (the same record said something newer); ended (the source has
--          deleted the record); not_held (the value is somebody else's).
create or replace table told_values as
with keys as (
    select lead_id, source, source_file, source_record_id from stored_leads
),
leads as (
    select keys.lead_id, persona_leads.*
    from persona_leads join keys using (source, source_file, source_record_id)
),
ended_leads as (
    select keys.lead_id, all_leads.*
    from all_leads
    join keys using (source, source_file, source_record_id)
    semi join (select persona_id from ended where not is_ended) as living using (persona_id)
    where not is_live
),
ranked as (
    select ranks.field, ranks.value, ranks.rule, 'ranked' as reason, ranks.place, leads.lead_id,
        ranks.source, leads.trust, leads.landing, edits.edited_at,
        case ranks.field
            when 'phone' then nullif(list_position(leads.phones, ranks.value), 0)
            when 'email' then nullif(list_position(leads.emails, ranks.value), 0)
            else 0
        end as position,
        clock_of(
            leads.field_clocks,
            case when ranks.field in ('phone', 'email') then ranks.field || 's' else ranks.field end,
            leads.clock
        ) as clock
    from field_ranks as ranks
    left join leads using (persona_id, source, source_file, source_record_id)
    left join edits
        on ranks.rule = 'edited' and edits.persona_id = ranks.persona_id
            and edits.field = ranks.field
),
current_texts as (
    select lead_id, field, value, clock_of(field_clocks, field, clock) as clock
    from (
        select lead_id, clock, field_clocks, crm_id, {golden_texts},
            to_json(nullif(tags, []))::varchar as tags
        from leads
    ) unpivot (value for field in (crm_id, {golden_texts}, tags))
),
superseded as (
    select said.field, said.value, 'superseded' as reason, said.lead_id, max(said.clock) as clock,
        any_value(newer.value) as newer_value, any_value(newer.clock) as newer_clock
    from said_values as said
    semi join leads using (lead_id)
    left join current_texts as newer using (lead_id, field)
    where said.field not in ('phone', 'email') and said.value is distinct from newer.value
    group by all
),
gone as (
    select field, value, 'ended' as reason, lead_id, clock
    from (
        select lead_id, clock, crm_id, phones[1] as phone, emails[1] as email, {golden_texts},
            to_json(nullif(tags, []))::varchar as tags
        from ended_leads
    ) unpivot (value for field in (crm_id, phone, email, {golden_texts}, tags))
),
refused as (
    select field, shown as value, 'not_held' as reason, lead_id, clock
    from (
        select persona_id, lead_id, 'crm_id' as field, claim_space as kind, crm_id as shown,
            crm_id as value, clock
        from leads where crm_id is not null
        union all
        select persona_id, lead_id, 'phone', 'phone', unnest(phones), unnest(phones), clock
        from leads
        union all
        select persona_id, lead_id, 'email', 'email', unnest(emails), unnest(email_keys), clock
        from leads
    )
    anti join holdings using (persona_id, kind, value)
),
told as (
    from ranked
    union all by name from superseded
    union all by name from gone
    union all by name from refused
),
-- The statement that gave the value: the last one that says it as of the clock that counts.
placed as (
    select told.lead_id, told.field, told.value, told.reason, arg_max(
        said.seq, ((said.clock is not distinct from told.clock)::int, said.seq)
    ) as seq
    from told join said_values as said using (lead_id, field, value)
    group by all
),
last_said as (
    select lead_id, max(seq) as seq from statements group by lead_id
)
select
    told.field, told.value, coalesce(told.rule, rules.rule) as rule, told.reason, told.place,
    told.lead_id, told.source, told.trust, told.landing, told.edited_at, told.position,
    case when told.position is not null or told.reason <> 'ranked' then told.clock end as clock,
    told.newer_value, told.newer_clock, coalesce(placed.seq, last_said.seq) as seq
from told
left join rules using (field)
left join placed using (lead_id, field, value, reason)
left join last_said using (lead_id)
order by told.field, told.place nulls last, told.reason, told.clock desc nulls last, told.value, told.lead_id
