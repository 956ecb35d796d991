"""Transforms that other programs have written."""
