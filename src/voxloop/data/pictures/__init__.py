"""Cuts of scans as pictures, as radiologists look at them."""
