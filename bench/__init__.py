"""Measures of speed; docs/bench.md says what each name means."""
