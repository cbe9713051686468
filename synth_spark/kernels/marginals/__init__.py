"""Noisy marginals: consistency, matching, candidates."""
