"""Images: their tree and lock, Docker, registries."""
