"""Reference channel systems: they use the public contracts and nothing else."""
