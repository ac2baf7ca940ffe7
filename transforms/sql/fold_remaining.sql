-- What the statements up to a place make of each lead.
-- Reads    taken, fold_output, remaining, upto, undoable_leads, sources
-- Returns  folded_upto: lead_id, what holds, claims, is_missing, and the import, fingerprint and
--          line_no of the last statement.
-- Promise  a lead of which nothing with text is left is not in it. Claims of all statements stay.
create or replace table folded_upto as
with holding as (
    select lead_id, field_clocks, {stated}
    from taken
    anti join (select source_record_id as lead_id from fold_output) as folded using (lead_id)
    union all by name
    select source_record_id as lead_id, field_clocks, {stated} from fold_output
),
named as (
    select
        holding.*,
        claims_of(claim_space, crm_id, phones, email_keys) as own_claims
    from holding
    join undoable_leads using (lead_id)
    left join sources using (source)
),
said as (
    select lead_id, list_distinct(flatten(list(list_concat(
        coalesce(claims, []), claims_of(claim_space, crm_id, phones, email_keys)
    )))) as said
    from remaining
    join upto using (lead_id)
    join undoable_leads using (lead_id)
    left join sources using (source)
    where remaining.place <= upto.place and not is_missing
    group by lead_id
)
select
    named.* exclude (own_claims),
    nullif(list_sort(list_filter(said, lambda claim: not list_contains(own_claims, claim))), [])
        as claims,
    last_said.is_missing, last_said.import_id,
    text_said.fingerprint, text_said.line_no
from named
join said using (lead_id)
join upto using (lead_id)
join remaining as last_said
    on last_said.lead_id = named.lead_id and last_said.place = upto.place
join (
    select lead_id, arg_max(coalesce(fingerprint, ''), place) as last_fingerprint,
        nullif(last_fingerprint, '') as fingerprint, arg_max(coalesce(line_no, -1), place) as last_line,
        nullif(last_line, -1) as line_no
    from taken group by lead_id
) as text_said on text_said.lead_id = named.lead_id
