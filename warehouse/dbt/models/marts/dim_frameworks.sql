select
    framework_id,
    name,
    first_released_on,
    status,
    colour
from {{ ref('stg_registry__frameworks') }}
