"""Alerts of topics, or of a span of time, as files."""
