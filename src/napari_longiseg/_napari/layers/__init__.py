"""What scans look like as napari layers, and how a study is found in them."""
