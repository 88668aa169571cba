select *
from {{ ref('fct_stars') }}
where stars < 0 or stars_added < 0
