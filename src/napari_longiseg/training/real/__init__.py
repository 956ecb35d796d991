"""Cases for training from real scans: what there is, which of it can be used, and how it is cut."""
