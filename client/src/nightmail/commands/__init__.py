"""The commands of a reader of alerts."""
