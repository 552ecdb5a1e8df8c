"""Pages and reports for people and CI systems."""
