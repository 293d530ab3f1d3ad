"""From a model and a scan to a label map in the scan's own geometry, and how good it is.

Training lives elsewhere and so does whatever shows results. Called by the command line and the demo.
"""
