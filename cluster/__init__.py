"""Kafka: what an administrator does."""
