"""One protocol, one file per engine: a VOI and prompts in, a mask out."""
