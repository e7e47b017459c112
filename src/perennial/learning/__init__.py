"""Estimators, their features, fits and comparisons, and the codec that keeps a fitted model as signed bytes."""
