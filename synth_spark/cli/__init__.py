"""The command line, and how it ends."""
