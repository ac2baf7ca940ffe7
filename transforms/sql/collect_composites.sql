-- Claims of several parts, such as device_id + user_id + phone + niche.
-- Reads    staged, nodes; $parts, $kind, $priority
-- Returns  claims, with those added.
insert into claims
select distinct record_no, $kind as kind, value, $priority::integer as priority
from (
    select
        nodes.record_no, composite_of(
            $parts, crm_id, device_id, user_id, phone, email_key, niche, product
        ) as value
    from (
        select *,
            unnest(case when list_contains($parts, 'phone') then phones else [''] end) as phone,
        from (
            select *, unnest(
                case when list_contains($parts, 'email') then email_keys else [''] end
            ) as email_key
            from staged
        )
    )
    join nodes using (source_record_id)
)
where value is not null
