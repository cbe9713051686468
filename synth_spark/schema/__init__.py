"""What tables, columns and figures are."""
