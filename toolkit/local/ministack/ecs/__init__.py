"""Tasks and their definitions."""
