"""Pairs of scans with known truth, for the benchmark of registrations."""
