-- What lone records come to: each a new lead and a new person.
-- Reads    lone_records, lone_other_claims, staged, team_boards, match_keys, facts
-- Returns  lone_leads, lone_personas: the columns of the plan_ tables, and line_no. Views: their texts
--          stand in staged, once.
-- Promise  what fold_statements, survive and hold_claims say of one statement alone.
create or replace view lone_leads as
select
    'insert' as action, null::bigint as version,
    numbered_id('lead', facts.id_part, lone_no) as lead_id, facts.source, facts.source_file,
    lone.source_record_id, numbered_id('persona', facts.id_part, lone_no) as persona_id,
    facts.lead_source, boards.board_id, boards.board_name, crm_id,
    coalesce(phones, []) as phones, coalesce(emails, []) as emails, {texts},
    nullif(tags, []) as tags, coalesce(last_activity_at, clock) as last_activity_at,
    false as is_deleted, false as is_missing, null::varchar[] as claims, clock,
    null::varchar as field_clocks,
    case when extra is null then '{}' else '{"extra":' || canonical_extra(extra) || '}' end as fields,
    fingerprint, staged.line_no, facts.import_id
from staged
join lone_records as lone using (line_no)
cross join facts
left join team_boards as boards
    on boards.rule_no = board_no(facts.source, facts.lead_source, {texts});

create or replace view lone_personas as
select
    'insert' as action, null::bigint as version,
    numbered_id('persona', facts.id_part, lone_no) as persona_id,
    people.* exclude (phones, emails, email_keys) replace (
        nullif(tags, []) as tags,
        case
            when full_name is null and first_name is null and last_name is null then profile_name
            else full_name
        end as full_name
    ),
    phones[1] as phone, emails[1] as email,
    coalesce(len(phones), 0) = 0
        or 'phone' not in (select kind from match_keys where priority is null)
        as is_phone_exclusive,
    false as is_ended, null::varchar as merged_into, null::varchar as edited_fields,
    list_sort(list_distinct(list_concat(
        claims_of(facts.claim_space, crm_id, phones, email_keys), coalesce(other_claims, [])
    ))) as claims,
    nullif(list_filter(
        claims, lambda claim: list_contains(shared.kinds, split_part(claim, '=', 1))
    ), []) as shared_claims,
    facts.import_id
from (select line_no, crm_id, phones, emails, email_keys, tags, {golden_texts} from staged) as people
join lone_records as lone using (line_no)
left join lone_other_claims using (line_no)
cross join (select list(kind) as kinds from match_keys where priority is null) as shared
cross join facts
