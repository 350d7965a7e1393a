"""The five services. None imports another."""
