"""Bundles as files and folders: found, read, checked, trusted, fetched, written and exported.

Running one lives in `training`, predicting with one in `inference`; both may import from here.
"""
