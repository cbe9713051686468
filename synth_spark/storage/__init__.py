"""Run folders, files and their hashes."""
