"""Schedule expressions as EventBridge Scheduler reads them."""
