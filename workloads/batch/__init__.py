"""Batch workloads: a bounded computation, then artifacts."""
