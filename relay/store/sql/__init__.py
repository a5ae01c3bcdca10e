"""The ledger in SQL that every backend understands: what is asked and written, whatever connection carries it."""
