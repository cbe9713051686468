"""What is made of published tables alone: a showcase, a data package, tables of a warehouse."""
