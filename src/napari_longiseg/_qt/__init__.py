"""Views: they show a session and emit intentions."""
