"""Pure decisions: no clock, no environment, no AWS."""
