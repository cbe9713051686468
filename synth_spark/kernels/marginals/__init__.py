"""Noisy marginals: consistency, shrinkage, exchanges, candidates."""
