"""Bundles as models that predict: the recipes' own, and those of others, whose configs, scripts and postprocessing run as written."""
