"""Exceptions of this package. A message states what was passed, what is allowed and what to do."""


class FixlipError(Exception):
    """Base class of the exceptions in this package. Notebooks show the message without a traceback."""

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython prints in place of a traceback."""
        return [f"{type(self).__name__}: {self}"]


class InputError(FixlipError, ValueError):
    """An argument is invalid, such as an image, a caption, ``p``, a budget or a name."""


class ModelError(FixlipError):
    """A model cannot be loaded or is not supported."""


class EncodingError(FixlipError):
    """An encoder failed or returned embeddings that are not finite."""


class PoolError(FixlipError):
    """A saved pool or explanation is damaged, or was saved by another version or model."""
