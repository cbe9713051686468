"""Counting the combinations of a block of records."""
