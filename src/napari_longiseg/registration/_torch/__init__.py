"""The engine of the embedded registration; everything here imports torch, so only ``align`` loads it."""
