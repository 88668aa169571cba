{# One test for all columns of a table that always hold a value: a build runs one query instead of one a column. #}
{% test never_null(model, columns) %}
    select *
    from {{ model }}
    where {{ columns | join(' is null or ') }} is null
{% endtest %}
