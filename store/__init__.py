"""The science store: the files of a night, and their rows."""
