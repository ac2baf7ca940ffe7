-- What the leads of each touched person, and edits by hand, say of each field; the best first.
-- Reads    persona_leads, holdings, edits, rules
-- Returns  field_ranks: persona_id, field, value, rule, source, source_file, source_record_id and
--          place, 1 the winner; texts only of people with several leads.
-- Promise  a phone or email of an earlier statement counts only where the person holds none of
--          those that are stated now; one that was cleared does not count. A field that somebody
--          edited by hand keeps its value while it has one, the newer edit of two who merge. A phone, email or CRM id counts only where the person holds it.
create or replace table field_ranks as
with said as (
    select persona_id, field, value, 0 as position, clock_of(field_clocks, field, clock) as clock,
        trust, landing, source, source_file, source_record_id
    from (
        select * exclude (crm_id, phones, emails, email_keys, tags, claims),
            to_json(tags)::varchar as tags
        from persona_leads where lead_count > 1
    ) unpivot (value for field in ({golden_texts}, tags))
    union all
    select persona_id, 'crm_id', crm_id, 0, clock_of(field_clocks, 'crm_id', clock),
        trust, landing, source, source_file, source_record_id
    from persona_leads
    where (persona_id, claim_space, crm_id) in (select (persona_id, kind, value) from holdings)
    union all
    select persona_id, field, shown, position, clock, trust, landing, source, source_file,
        source_record_id
    from (
        select persona_id, 'phone' as field, 'phone' as kind, unnest(phones) as shown,
            unnest(phones) as value, generate_subscripts(phones, 1) as position,
            clock_of(field_clocks, 'phones', clock) as clock, trust, landing, source, source_file,
            source_record_id
        from persona_leads
        union all
        select persona_id, 'email', 'email', unnest(emails), unnest(email_keys),
            generate_subscripts(emails, 1), clock_of(field_clocks, 'emails', clock), trust, landing,
            source, source_file, source_record_id
        from persona_leads
        union all
        select persona_id, split_part(claim, '=', 1) as field, field as kind,
            substr(claim, 7) as shown, shown as value, null as position, null as clock, trust,
            landing, source, source_file, source_record_id
        from (select *, unnest(claims) as claim from persona_leads)
        where starts_with(claim, 'phone=')
                and not (coalesce(len(phones), 0) = 0 and map_contains(texts_of(field_clocks), 'phones'))
            or starts_with(claim, 'email=')
                and not (coalesce(len(emails), 0) = 0 and map_contains(texts_of(field_clocks), 'emails'))
    )
    semi join holdings using (persona_id, kind, value)
),
ruled as (
    select said.*, rules.rule, null::varchar as edited_at from said join rules using (field)
    union all by name
    select persona_id, field, value, 'edited' as rule, 'by hand' as source, edited_at, 0 as position
    from edits
)
select
    * exclude (edited_at, position, clock, trust, landing),
    row_number() over (
        partition by persona_id, field
        order by
            edited_at desc nulls last, position is null,
            case rule when 'trusted' then trust when 'longest' then length(value) end
                desc nulls last,
            case rule when 'max' then try_cast(value as double) end desc nulls last,
            case rule when 'max' then value end desc nulls last,
            case rule when 'oldest' then coalesce(epoch_us(clock), -9223372036854775807) end
                nulls last,
            case when rule in ('oldest', 'fill') then landing end nulls last,
            clock desc nulls last, trust desc, landing desc, source desc, source_file desc,
            source_record_id desc, position, value
    ) as place
from ruled
