"""Stores in memory that pass the same contract tests as the real ones, for the tests of whoever builds on Perennial."""

from perennial.testing.artifacts import MemoryArtifacts
from perennial.testing.ledger import MemoryLedger
from perennial.testing.source import MemorySource
from perennial.testing.story import Story

__all__ = ["MemoryArtifacts", "MemoryLedger", "MemorySource", "Story"]
