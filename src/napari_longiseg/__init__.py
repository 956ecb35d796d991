"""Track tumours through time on CT: click a lesion once, get it outlined and measured on every scan."""

from importlib.metadata import version

__version__ = version("napari-longiseg")
