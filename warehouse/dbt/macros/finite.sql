{# One test for all shares and ratios of a table: neither a division by zero nor the square root of less. #}
{% test finite(model, columns) %}
    select *
    from {{ model }}
    where not isfinite({{ columns | join(') or not isfinite(') }})
{% endtest %}
