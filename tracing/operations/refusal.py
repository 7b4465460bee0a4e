"""What the operation refuses, in words that say what to do."""


class Refused(Exception):
    """It was not done, and nothing was changed; the text says why and what to do."""
