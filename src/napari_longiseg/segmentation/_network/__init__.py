"""What segmenters with a network share: what it is shown, in which order, and what is made of it."""
