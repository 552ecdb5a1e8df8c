"""One module per noun: wires the pure core to the adapters."""
