select
    arxiv_id,
    submitted_on,
    title,
    abstract,
    primary_category,
    categories,
    fetched_at as known_from,
    response_id
from {{ ref('stg_arxiv__papers') }}
