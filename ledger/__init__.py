"""Memory: what was sent, and the transaction that writes it."""
