"""The embedded AWS: an emulator, and the agent that plays Scheduler and Fargate."""
