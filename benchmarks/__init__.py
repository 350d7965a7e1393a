"""Measurements: every figure that the documents quote is made here, each beside its rivals."""
