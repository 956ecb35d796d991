"""Scans, studies, tables. The flip between array order and file order ``(x, y, z)`` happens here only."""
