"""Schedules: their timing, history, target and drift."""
