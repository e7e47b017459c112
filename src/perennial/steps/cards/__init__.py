"""What a model card is made of, and how it is written down."""
