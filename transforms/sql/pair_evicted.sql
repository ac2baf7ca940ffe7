-- People who shared a value that is now one person's alone: they may be that person.
-- Reads    stored_identities, holdings, stored_candidates, facts
-- Returns  plan_merge_candidates, with those added.
insert into plan_merge_candidates by name
select
    'insert' as action, null::bigint as version, least(holdings.persona_id, lost.persona_id)
        as left_id, greatest(holdings.persona_id, lost.persona_id) as right_id,
    'bridge' as guard, arg_min(kind, (kind, value)) as kind, arg_min(value, (kind, value)) as value,
    to_json(struct_pack(
        links := list(struct_pack(guard := 'bridge', kind := kind, value := value)
            order by kind, value)
    ))::varchar as evidence,
    facts.import_id
from (from stored_identities anti join holdings using (kind, value, persona_id)) as lost
join holdings using (kind, value)
cross join facts
where holdings.is_exclusive
group by all
having (left_id, right_id) not in (select (left_id, right_id) from stored_candidates)
