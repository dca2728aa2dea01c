"""Filters of ZTF."""
