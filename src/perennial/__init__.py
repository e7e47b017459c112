"""Perennial keeps machine-learning models fresh: the loop, the gate, the decision and the lineage."""

__version__ = "0.1.0"
