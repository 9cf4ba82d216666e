"""Many live streams through one detector: the engine, and what it tells of itself."""
