"""One protocol, one file per method: align two scans, get a map that carries points over."""
