"""The ledger's history, oldest first: ``ledger_<number>.py`` beside its statements in ``ledger_<number>.sql``."""
