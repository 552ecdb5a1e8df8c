"""What the app's bucket holds: the archive of runs, seals, releases, the deploy lock."""
