"""Stacks: templates that are refused, and resources with all their properties."""
