"""What any user of ministack would want: one concern a file, the standard library only."""
