{# What two programs of a benchmark run must share to be compared. #}
{% macro bench_setting() -%}
    run_id, device_id, device, track, tuning, dataset, phase, batch_size, threads, precision, metric
{%- endmacro %}
