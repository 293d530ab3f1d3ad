"""Voxloop: the open loop for 3D medical image segmentation on one's own machine."""

__version__ = "0.1.0"
