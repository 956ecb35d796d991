"""How a real napari window with the panel answers: stages of a reader's work, and what kept it waiting."""
