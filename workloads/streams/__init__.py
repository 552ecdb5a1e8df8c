"""Time-bound streams: a connection for a set time, artifacts near the end."""
