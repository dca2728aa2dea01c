"""The archive: slices of Parquet, and the views that DuckDB answers from."""
