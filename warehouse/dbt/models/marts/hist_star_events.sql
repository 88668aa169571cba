select
    source,
    repo_name,
    day,
    hour,
    stars_added,
    is_incomplete,
    known_from,
    known_to,
    response_id
from ({{ change_history(ref('int_star_event_readings'), ['source', 'repo_name', 'day', 'hour'], ['stars_added', 'is_incomplete']) }})
