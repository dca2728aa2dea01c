"""The Java that is there, and Spark on it."""
