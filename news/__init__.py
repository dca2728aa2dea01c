"""News: what a night brought, composed for people, in words, tables and pictures."""
