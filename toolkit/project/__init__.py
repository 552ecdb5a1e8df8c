"""What a new project is made from: templates, the image's files, and a first workload."""
