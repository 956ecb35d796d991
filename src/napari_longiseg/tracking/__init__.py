"""LinGuinE: carry a lesion through a study, and say how well it went."""
