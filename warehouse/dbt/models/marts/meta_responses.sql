select
    responses.response_id,
    responses.run_id,
    responses.source,
    responses.subject,
    responses.url,
    responses.fetched_at,
    responses.status,
    responses.bytes,
    responses.body_sha256,
    coalesce(whole.part, own.part) as part,
    responses.revalidates,
    responses.rejected
from {{ ref('stg_raw__responses') }} as responses
left join {{ ref('stg_raw__parts') }} as whole on responses.run_id = whole.stem
left join {{ ref('stg_raw__parts') }} as own on responses.response_id = own.stem
union all by name
select
    *,
    null::varchar as run_id,
    null::integer as status,
    null::varchar as revalidates,
    null::varchar as rejected
from {{ ref('stg_cited__responses') }}
