"""Courses over time."""
