"""Networks of ours, and where the weights of all networks lie."""
