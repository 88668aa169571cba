"""Scheduled collection: the crontab and the run wrapper."""
