"""Python workers of local sessions: what they are forked from, and what they have loaded by then."""
