"""Which parts of a container image can become WebAssembly, and what stands in the way."""
