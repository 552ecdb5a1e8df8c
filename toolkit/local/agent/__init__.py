"""The agent: plays EventBridge Scheduler and Fargate on the emulator's state."""
