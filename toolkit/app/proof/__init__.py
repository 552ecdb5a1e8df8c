"""Gather, judge and keep the evidence of runs."""
