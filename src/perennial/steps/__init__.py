"""The steps of the loop: each a function of (definition, interval, stores) that returns a receipt."""
