"""Change, compare and run schedules."""
