"""Maps that corresponding points give; numpy and scipy alone."""
