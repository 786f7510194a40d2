"""Exceptions and warnings of this package. A message states what was passed, what is allowed and what to do."""


class FixlipError(Exception):
    """Base class of the exceptions in this package."""


class FixlipWarning(UserWarning):
    """A result may not be what was intended; it is computed nevertheless."""


class InputError(FixlipError, ValueError):
    """An argument is invalid, such as an image, a caption, ``p``, a budget or a name."""


class ModelError(FixlipError):
    """A model cannot be loaded or is not supported."""


class EncodingError(FixlipError):
    """An encoder failed or returned embeddings that are not finite."""


class CancelledError(FixlipError):
    """Work was cancelled before it had a result."""


class PoolError(FixlipError):
    """A saved pool or explanation is damaged, or was saved by another version or model."""
