"""Stores in memory that pass the same contract tests as the real ones, for the tests of whoever builds on Perennial."""

from perennial.testing.artifacts import MemoryArtifacts
from perennial.testing.engine import InlineEngine
from perennial.testing.ledger import MemoryLedger
from perennial.testing.source import MemorySource
from perennial.testing.story import Story
from perennial.testing.workshop import InlineWorkshop

__all__ = ["InlineEngine", "InlineWorkshop", "MemoryArtifacts", "MemoryLedger", "MemorySource", "Story"]
