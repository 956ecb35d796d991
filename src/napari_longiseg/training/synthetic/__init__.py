"""Synthetic patients: anatomy, lesions and their courses, motion and scanner."""
