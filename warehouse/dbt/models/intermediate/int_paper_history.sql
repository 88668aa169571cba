{{ change_history(
    ref('int_paper_readings'),
    ['arxiv_id'],
    ['submitted_on', 'title', 'abstract', 'primary_category', 'categories']
) }}
