"""A release and those that readers may hold besides: which they are, and how counts follow theirs."""
