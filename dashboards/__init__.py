"""The Streamlit dashboard over the published database; charts are pure functions."""
