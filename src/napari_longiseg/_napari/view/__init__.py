"""The session in the viewer: cells, labels, markers; the one place that touches layers."""
