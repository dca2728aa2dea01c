"""Order: what follows what, and when."""
