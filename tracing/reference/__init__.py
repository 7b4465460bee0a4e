"""A stand-in for a register of others, to try the adapters with. It holds no real data.

INTERPOL's iARMS has no public interface; this is not it, and does not claim its shape.
It imports nothing of the rest, so that it cannot share a mistake with what it tries.
"""
