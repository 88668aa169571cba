{# Staging and intermediate models live in schemas of their own, which the build drops before it publishes. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
