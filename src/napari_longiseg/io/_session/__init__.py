"""What a session file holds."""
