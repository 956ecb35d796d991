"""A registration, looked at."""
