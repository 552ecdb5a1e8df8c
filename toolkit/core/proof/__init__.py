"""What became of a run: evidence, checks, verdict and ledger."""
