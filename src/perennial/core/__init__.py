"""Words that every floor shares: intervals, names, digests, errors, receipts. Imports nothing of ours."""
