"""Why a file, a mapping or a row is not taken: words that say what to do."""

from workflows.vocabulary import N_

__all__ = ["N_", "Refused"]


class Refused(Exception):
    """Not taken; `msgid` and `holes` say what to do, in any language."""

    def __init__(self, msgid: str, **holes: object) -> None:
        """Fill the holes of the English words."""
        super().__init__(msgid % holes if holes else msgid)
        self.msgid, self.holes = msgid, holes
