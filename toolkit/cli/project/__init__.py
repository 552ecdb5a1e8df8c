"""Commands that make a project and show what is in it."""
