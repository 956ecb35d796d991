"""What the mouse does over the scans."""
