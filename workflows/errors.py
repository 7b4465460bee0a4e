"""The few ways a rule says no."""


class WorkflowError(Exception):
    """A rule refused; the text says why and what is possible."""


class TransitionNotAllowed(WorkflowError):
    """The lifecycle has no such step from here for this side."""


class FactMissing(WorkflowError):
    """The step must carry something that was not given."""


class NotPermitted(WorkflowError):
    """The record is yours, but your role may not do this."""


class NotVisible(WorkflowError):
    """For this actor there is no such record."""


class RestrictionHolds(WorkflowError):
    """The provider of the information has not allowed this use.

    `what` is the item in words, `handling` the code it is marked with.
    """

    def __init__(self, what: str, handling: str) -> None:
        """Say what to do."""
        super().__init__(
            f"“{what}” is marked {handling}: ask the provider's permission first."
        )
        self.what = what
        self.handling = handling
