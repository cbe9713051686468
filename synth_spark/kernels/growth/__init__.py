"""Growing synthetic records: the tree of seeds, and packing."""
