"""THE LINE: its stages, what runs them, and what a run is."""
