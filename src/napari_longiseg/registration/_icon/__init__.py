"""What the learned registrations are made of; only ``align`` loads it, and with it torch."""
