"""What serves requests in front of ministack, and the way back to the engine."""
