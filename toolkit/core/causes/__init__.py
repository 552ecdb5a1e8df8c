"""Why: of a task that stopped, and of a firing that never came."""
