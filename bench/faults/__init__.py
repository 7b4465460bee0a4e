"""Faults on purpose: killed, cut off, all at once; docs/faults.md says how to read it."""
