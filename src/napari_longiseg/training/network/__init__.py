"""What only a training loads: losses, averages and augmentations on torch."""
