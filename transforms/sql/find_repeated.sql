-- Which statements of this file are stored already, though an earlier import brought them, and
-- which are not although the lead stays as it is: those of an older record, for example.
-- Reads    lead_changes, stated, other_claims, stored_leads, stored_versions, records,
--          changed_records, still_missing
-- Returns  repeated: digest. kept_statements: source_record_id.
create or replace table kept_statements as
select source_record_id from lead_changes where action = 'unchanged';

create or replace table repeated as
with said as (
    select
        stated.source_record_id, fingerprint, to_json(struct_pack(
            crm_id := crm_id, phones := phones, emails := emails, {packed_texts}, tags := tags,
            last_activity_at := last_activity_at, is_deleted := is_deleted,
            claims := nullif(of_statement, []), clock := clock,
            field_clocks := canonical_json(field_clocks), extra := canonical_json(extra)
        ))::varchar as content
    from stated
    semi join kept_statements using (source_record_id)
    left join other_claims using (source_record_id)
),
stored as (
    from stored_versions
    union all by name
    select * exclude (source_file) from stored_leads
    where is_in_batch and not is_missing
        and source_record_id not in (select source_record_id from stored_versions)
),
known as (
    select
        source_record_id, fingerprint, to_json(struct_pack(
            crm_id := crm_id, phones := nullif(phones, []), emails := nullif(emails, []),
            {packed_texts}, tags := nullif(tags, []), last_activity_at := last_activity_at,
            is_deleted := is_deleted, claims := nullif(claims, []), clock := clock,
            field_clocks := canonical_json(field_clocks), extra := canonical_json(extra)
        ))::varchar as content
    from stored
    semi join kept_statements using (source_record_id)
),
same as (
    select source_record_id, arg_max(
        known.fingerprint, known.fingerprint = said.fingerprint
    ) as fingerprint
    from said
    join known using (source_record_id)
    where known.fingerprint = said.fingerprint or known.content = said.content
    group by source_record_id
)
select source_record_id, statement_digest(source_record_id, fingerprint) as digest from same
union all
select source_record_id, statement_digest(source_record_id, fingerprint)
from records
anti join changed_records using (source_record_id)
union all
select source_record_id, statement_digest(source_record_id, 'missing') from still_missing;

delete from kept_statements where source_record_id in (select source_record_id from repeated)
