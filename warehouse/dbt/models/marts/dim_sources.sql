select
    source,
    name,
    licence,
    licence_url,
    citation,
    note,
    response_id
from {{ ref('stg_cited__sources') }}
