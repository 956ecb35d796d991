"""Random cases for training networks, made in torch: random tissue, random lesions, random scanners.

Domain randomisation, as in SynthSeg (Billot et al., 2023) and AnyStar (Dey et al., 2024): what varies far
beyond real scans in training makes a network that does not depend on it.
"""
