"""The HTTP API for the page, and the page itself. Reads the store; knows neither torch nor MONAI."""

from voxloop.server.serve import serve

__all__ = ["serve"]
