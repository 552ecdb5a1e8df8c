"""The audit: a bounded run that looks at all other runs, and tells what changed."""
