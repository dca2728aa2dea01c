"""Nights that never were, the same for the same seed."""

from simulator.night import simulate_night

__all__ = ["simulate_night"]
