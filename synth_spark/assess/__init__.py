"""Stage 6: what the release says about single people, and what it keeps from them. On all records."""
