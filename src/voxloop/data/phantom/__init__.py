"""Phantoms: synthetic scans in exact Decathlon layout, made to be as awkward as real ones. Demos and tests stand on them.

Anatomy is a set of functions of millimetres in the patient; a header says which millimetres a voxel samples. So scan,
label and header agree by construction, however the header is turned.
"""

from voxloop.data.phantom.abdomen import make_spleen
from voxloop.data.phantom.brain import make_brain_tumour
from voxloop.data.phantom.broken import make_broken
from voxloop.data.phantom.layout import PhantomReport

__all__ = ["PhantomReport", "make_brain_tumour", "make_broken", "make_spleen"]
