select
    arxiv_id,
    submitted_on,
    title,
    primary_category,
    categories,
    known_from as known_at,
    response_id
from {{ ref('int_paper_history') }}
where known_to is null
