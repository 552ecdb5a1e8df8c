"""What is deployed: config, plans, image, release, preflight."""
