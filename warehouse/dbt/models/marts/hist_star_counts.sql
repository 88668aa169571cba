select
    repo_id,
    day,
    source,
    stars,
    rounded_to,
    known_from,
    known_to,
    response_id
from ({{ change_history(ref('int_star_count_readings'), ['repo_id', 'day', 'source'], ['stars', 'rounded_to']) }})
