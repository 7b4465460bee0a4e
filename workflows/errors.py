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
    """The provider of the information has not allowed this use."""
