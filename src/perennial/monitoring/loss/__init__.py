"""Whether the loss has risen: on labels, by slice, and estimated before labels come."""
