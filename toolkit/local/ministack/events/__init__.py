"""Rules, schedules and alarms."""
