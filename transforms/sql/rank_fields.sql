-- What the leads of each touched person, and edits by hand, say of each field; the best first.
-- Reads    persona_leads, holdings, edits, rules
-- Returns  field_ranks: persona_id, field, value, rule, source, source_file, source_record_id and
--          place, 1 the winner; texts only of people with several leads.
-- Promise  a phone or email of an earlier statement counts only where the person holds none of
--          those that are stated now; one that was cleared does not count. A field that somebody
--          edited by hand keeps its value while it has one, the newer edit of two who merge. A phone, email or CRM id counts only where the person holds it.
create or replace table field_ranks as
with texts as (
    select persona_id, field, value, 0 as position, clock_of(field_clocks, field, clock) as clock,
        trust, landing, source, source_file, source_record_id, false as is_sole
    from (
        select * exclude (crm_id, phones, emails, email_keys, tags, claims),
            to_json(tags)::varchar as tags
        from persona_leads where lead_count > 1
    ) unpivot (value for field in ({golden_texts}, tags))
),
-- What one lead alone says, and once, needs no ranking.
ids as (
    select persona_id, field, shown, position, clock, trust, landing, source, source_file,
        source_record_id, is_sole
    from (
        select persona_id, 'crm_id' as field, claim_space as kind, crm_id as shown, crm_id as value,
            0 as position, clock_of(field_clocks, 'crm_id', clock) as clock, trust, landing, source,
            source_file, source_record_id, lead_count = 1 as is_sole
        from persona_leads
        where crm_id is not null
        union all
        select persona_id, 'phone', 'phone', unnest(phones), unnest(phones),
            generate_subscripts(phones, 1), clock_of(field_clocks, 'phones', clock), trust, landing,
            source, source_file, source_record_id,
            lead_count = 1 and len(phones) = 1 and claims is null
        from persona_leads
        union all
        select persona_id, 'email', 'email', unnest(emails), unnest(email_keys),
            generate_subscripts(emails, 1), clock_of(field_clocks, 'emails', clock), trust, landing,
            source, source_file, source_record_id,
            lead_count = 1 and len(emails) = 1 and claims is null
        from persona_leads
        union all
        select persona_id, split_part(claim, '=', 1) as field, field as kind,
            substr(claim, 7) as shown, shown as value, null as position, null as clock, trust,
            landing, source, source_file, source_record_id, false
        from (select *, unnest(claims) as claim from persona_leads where claims is not null)
        where starts_with(claim, 'phone=')
                and not (coalesce(len(phones), 0) = 0 and map_contains(texts_of(field_clocks), 'phones'))
            or starts_with(claim, 'email=')
                and not (coalesce(len(emails), 0) = 0 and map_contains(texts_of(field_clocks), 'emails'))
    )
    semi join holdings using (persona_id, kind, value)
),
said as (
    select persona_id, field, value, position, clock, trust, landing, source, source_file,
        source_record_id, is_sole, rules.rule, null::varchar as edited_at
    from (from texts union all from ids) as said(
        persona_id, field, value, position, clock, trust, landing, source, source_file,
        source_record_id, is_sole
    )
    join rules using (field)
),
by_hand as (
    select persona_id, field, value, 'edited' as rule, 'by hand' as source, edited_at, 0 as position
    from edits
),
ruled as (
    from said where not is_sole or persona_id in (select persona_id from edits)
    union all by name
    from by_hand
)
select
    * exclude (edited_at, position, clock, trust, landing, is_sole),
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
union all by name
select persona_id, field, value, source, source_file, source_record_id, rule, 1 as place
from said where is_sole and persona_id not in (select persona_id from edits)
