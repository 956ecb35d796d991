"""Lesions by dates."""
