"""Study folders with known truth, made of any CT: for figures on scans that nothing was tuned on."""
