"""What predicts rows: tonight's, and those of a look."""
