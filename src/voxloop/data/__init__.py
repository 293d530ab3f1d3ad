"""Where volumes come from: geometry, scans and labels on disk, datasets and their splits, phantoms.

Knows nothing of training, tracking or the server; everything may import it.
"""
