"""What validate looks at, and what is kept of what it refused."""
