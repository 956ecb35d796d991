"""Methods and their options."""
