"""What rows are counted over, and the counts."""
