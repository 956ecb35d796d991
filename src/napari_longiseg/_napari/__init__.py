"""The bridge to napari: layers, clicks, workers and what the manifest names. No widgets."""
