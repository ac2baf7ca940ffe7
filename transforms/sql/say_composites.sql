-- Claims of several parts, of everybody whom Postgres knows.
-- Reads    stored_leads; $parts, $kind
-- Returns  said_claims, with those added.
insert into said_claims
select distinct $kind as kind, value, persona_id
from (
    select
        persona_id, composite_of(
            $parts, crm_id, device_id, user_id, phone, email_key, niche, product
        ) as value
    from (
        select *,
            unnest(case when list_contains($parts, 'phone') then phones else [''] end) as phone,
        from (
            select *, unnest(
                case when list_contains($parts, 'email') then email_keys else [''] end
            ) as email_key
            from stored_leads
        )
    )
)
where value is not null
