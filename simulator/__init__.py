"""Nights that never were, the same for the same seed."""
