"""Files of delimited text: what they are, told from their heads; their fields, and where their records end."""
