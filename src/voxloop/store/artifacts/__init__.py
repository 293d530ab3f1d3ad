"""Named, versioned content: versions and aliases, where they came from, which of them stay, and what nothing refers to."""
