-- A view, since Python models read it by its name; other staging models are written into the models that read them.
{{ config(materialized="view") }}
select *
from {{ source('parsed', 'bench_trials') }}
