"""What a table says about single records."""
