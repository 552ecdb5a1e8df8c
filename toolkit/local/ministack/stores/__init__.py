"""Buckets, logs and registries."""
