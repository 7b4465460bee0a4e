"""The rules of tracing: what is allowed, and when it is due. No clock, no I/O."""
