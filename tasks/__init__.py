"""Steps of a night, one a file."""
