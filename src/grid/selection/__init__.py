"""Which pairs suit a grid: facts in, candidates with scores and reasons out."""
