-- A JSON object of texts with its keys in order, so that two that say the same are the same text.
create or replace macro canonical_json(document) as (
    case when document is not null then
        '{' || coalesce(array_to_string(list_transform(
            list_sort(json_keys(document::json)),
            lambda name: to_json(name)::varchar || ':'
                || to_json(json_transform(document::json, '"MAP(VARCHAR, VARCHAR)"')[name])::varchar
        ), ','), '') || '}'
    end
)
