"""Files of each format, opened with suspicion: what lies about itself is refused in a sentence, before its voxels are read.

One module for each; all answer with a `Scan`, and `voxloop.data.scans` chooses among them.
"""
