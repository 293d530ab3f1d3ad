"""Getting a bundle: from MONAI's model zoo, a hospital's own mirror, or a zip that somebody brought.

What comes is verified where a checksum is known, unpacked without belief in the archive, and there whole or not at all.
Nothing of it is executed, and no weights are opened. Needs the standard library only.
"""

from voxloop.bundles.fetching.fetch import Fetched, fetch
from voxloop.bundles.fetching.zoo import SOURCES, Addresses, Listing

__all__ = ["SOURCES", "Addresses", "Fetched", "Listing", "fetch"]
