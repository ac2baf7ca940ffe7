-- Leads -> the golden record of every persona that this batch touches.
-- Reads    lead_changes, stored_leads, stored_identities, new_identities, sources
-- Returns  golden: persona_id and the golden fields.
-- Promise  a pure function of the persona's leads: field by field the newest lead that states it,
--          by clock, then trust, then landing, then record. A phone, email or CRM id is taken
--          only where the persona holds it.
create or replace table golden as
with persona_leads as (
    select
        persona_id, $source as source, source_record_id,
        case when action = 'unchanged' then stored_import_id else $import_id end as landing,
        clock, crm_id, phones, emails, email_keys, {golden_texts}
    from lead_changes
    union all by name
    select
        persona_id, source, source_record_id, import_id as landing,
        clock, crm_id, phones, emails, email_keys, {golden_texts}
    from stored_leads
    where not is_in_batch
),
ranked as (
    select
        leads.*, sources.claim_space,
        row_number() over (
            partition by persona_id
            order by clock nulls first, coalesce(trust, 0), landing, source, source_record_id
        ) as recency
    from persona_leads as leads
    left join sources using (source)
),
texts as (
    select
        persona_id,
        arg_max(columns(* exclude (
            persona_id, source, landing, source_record_id, clock, crm_id, phones, emails,
            email_keys, claim_space, recency
        )), recency)
    from ranked
    group by persona_id
),
held as (
    select kind, value, persona_id from stored_identities
    union
    select kind, value, persona_id from new_identities
),
stated as (
    select
        persona_id, recency, 0 as place, claim_space as kind, crm_id as value, crm_id as shown,
        'crm_id' as field
    from ranked where crm_id is not null
    union all
    select
        persona_id, recency, -generate_subscripts(phones, 1), 'phone', unnest(phones),
        unnest(phones), 'phone'
    from ranked
    union all
    select
        persona_id, recency, -generate_subscripts(emails, 1), 'email', unnest(email_keys),
        unnest(emails), 'email'
    from ranked
),
identifying as (
    select
        persona_id,
        arg_max(shown, (recency, place)) filter (where field = 'crm_id') as crm_id,
        arg_max(shown, (recency, place)) filter (where field = 'phone') as phone,
        arg_max(shown, (recency, place)) filter (where field = 'email') as email
    from stated
    semi join held using (persona_id, kind, value)
    group by persona_id
)
select texts.persona_id, crm_id, phone, email, texts.* exclude (persona_id)
from texts
left join identifying using (persona_id)
