"""State on disk: saved, restored, refused when the disk is full."""
