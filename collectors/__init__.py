"""One module per source: each asks the outside and writes raw parts. Nothing here knows the database."""
