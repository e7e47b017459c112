"""The demo's world: a bike-share company that grows, changes and breaks. The same seed makes the same bytes."""
