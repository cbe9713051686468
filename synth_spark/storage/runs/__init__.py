"""Where a run folder is, and how what is in it gets there: on this machine, or in a store."""
