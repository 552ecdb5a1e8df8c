"""The workloads of this app."""
