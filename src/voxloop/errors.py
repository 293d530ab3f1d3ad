"""The one error that a user is meant to read."""


class VoxloopError(Exception):
    """One sentence that names the thing, the reason and the next step.

    Raised where the reason is known; the command line prints it as it stands, the server sends it as `detail`.
    """
