"""The few errors this package raises, each one sentence that says what was given, what is allowed and what to do."""


class FixlipError(Exception):
    """Base of every error that this package raises on purpose; a notebook shows its sentence, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        """What IPython prints in place of a traceback."""
        return [f"{type(self).__name__}: {self}"]


class InputError(FixlipError, ValueError):
    """Something the user passed cannot be used: an image, a caption, ``p``, a budget, a name."""


class ModelError(FixlipError):
    """A model cannot be loaded, or is of a kind that is not supported."""


class EncodingError(FixlipError):
    """An encoder failed or returned embeddings that are not finite numbers."""


class PoolError(FixlipError):
    """A saved pool or explanation is damaged, from another version or from another model."""
