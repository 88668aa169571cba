select
    repo_id,
    day,
    stars_added,
    is_partial,
    known_from,
    known_to,
    response_id
from ({{ change_history(ref('int_star_day_readings'), ['repo_id', 'day'], ['stars_added', 'is_partial']) }})
