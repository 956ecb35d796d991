"""What runs in the background: one thread, and what is asked of it."""
