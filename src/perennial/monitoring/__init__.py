"""From counts to a decision: profiles, drift, decay, policy. Arrays and counts in, numbers out; it reads no store and no clock."""
