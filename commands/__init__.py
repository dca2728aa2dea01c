"""What the nightmail command offers an operator, one file a noun."""
