"""What runs inside the image: the contract, its runtime and the workloads."""
