"""Stage 2: records become small integers, and their combinations are counted."""
