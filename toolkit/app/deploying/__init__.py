"""Deploy, delete, package and check an app."""
