"""Getting the Medical Segmentation Decathlon: its table of tasks, a download that survives, an unpacking that trusts nothing.

`dataset.fetch` is the door; `unpack.extract` takes anybody's tar or zip. Needs the standard library only.
"""
