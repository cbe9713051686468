"""What tables, columns and metrics are, and what published files are called."""
