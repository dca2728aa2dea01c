"""Filters of LSST."""
