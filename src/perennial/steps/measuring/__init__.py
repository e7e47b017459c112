"""What monitor measures of a night."""
