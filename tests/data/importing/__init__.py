"""Bringing data in, layout by layout, and writing them out again."""
