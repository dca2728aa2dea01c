"""Science: one filter a file, columns in, one bool per alert out."""
