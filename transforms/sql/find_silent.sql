-- Leads whose last statement changed nothing when it came, as that of an older record does.
-- Reads    folded_leads, folded_upto (without the last statement of those that are not settled)
-- Returns  silent: lead_id.
create or replace table silent as
select lead_id
from (
    select
        lead_id, crm_id, nullif(phones, []) as phones, nullif(emails, []) as emails, {texts},
        nullif(tags, []) as tags, last_activity_at, is_deleted, is_missing, claims, clock,
        canonical_json(field_clocks) as clocks, canonical_json(extra) as extra
    from folded_leads
    intersect
    select
        lead_id, crm_id, nullif(phones, []), nullif(emails, []), {texts}, nullif(tags, []),
        last_activity_at, is_deleted, is_missing, claims, clock, canonical_json(field_clocks),
        canonical_json(extra)
    from folded_upto
)
