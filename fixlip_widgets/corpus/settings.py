"""The settings of a corpus: what its rows depend on. Rows of other settings or another model are never mixed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from fixlip_widgets.encoders.models import Model, load_model
from fixlip_widgets.encoders.towers import Masking, check_masking
from fixlip_widgets.errors import InputError
from fixlip_widgets.estimators.masks import DEFAULT_DESIGN, MaskDesign, check_design
from fixlip_widgets.support.checks import check_budget, check_p, check_seed

DEFAULT_BUDGET = 2**15


@dataclass(frozen=True)
class Settings:
    """Settings of every explanation of a corpus; see :func:`fixlip_widgets.explain`.

    Attributes:
        p: Probability of keeping each patch and token.
        budget: Number of evaluations of the game of each pair.
        seed: Random seed of the masks.
        grid: (rows, columns) of the patches; None for the encoder's own.
        regions: Number of superpixels in place of a grid.
        words: Whether whole words are masked.
        masking: How removed patches are replaced.
        masks: How masks are drawn.
        check: Whether complete pairs are compared with the model's own forward pass.
    """

    p: float = 0.5
    budget: int = DEFAULT_BUDGET
    seed: int = 0
    grid: tuple[int, int] | None = None
    regions: int | None = None
    words: bool = False
    masking: Masking = "zero"
    masks: MaskDesign = DEFAULT_DESIGN
    check: bool = True

    def checked(self) -> Settings:
        """Return the settings in normal form.

        Raises:
            InputError: A setting is out of range.
        """
        if self.regions is not None and not isinstance(self.regions, int):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError(
                f"regions is a {type(self.regions).__name__}; a corpus needs the number of superpixels, because every "
                "image has other regions."
            )
        return Settings(
            p=check_p(self.p),
            budget=check_budget(self.budget),
            seed=check_seed(self.seed),
            grid=None if self.grid is None else (int(self.grid[0]), int(self.grid[1])),
            regions=self.regions,
            words=bool(self.words),
            masking=check_masking(self.masking),
            masks=check_design(self.masks),
            check=bool(self.check),
        )

    def as_json(self) -> dict[str, Any]:
        """Return the settings as JSON has them: a grid is a list."""
        return {**asdict(self), "grid": None if self.grid is None else list(self.grid)}

    @classmethod
    def of_json(cls, content: dict[str, Any]) -> Settings:
        """Return the settings of :meth:`as_json`."""
        sides = content["grid"]
        grid: Any = None if sides is None else tuple(sides)
        return cls(**{**content, "grid": grid})

    def game_options(self) -> dict[str, Any]:
        """Return the arguments of :class:`fixlip_widgets.VisionLanguageGame`."""
        return {name: getattr(self, name) for name in ("grid", "regions", "words", "masking", "check")}

    def image_players(self, model: Model) -> int | None:
        """Return the number of image players; None if it differs between images."""
        if self.regions is not None:
            return None
        rows, columns = self.grid or model.patch_grid or (7, 7)
        return rows * columns


@dataclass(frozen=True)
class ModelSource:
    """How a worker gets the model.

    Attributes:
        name, pretrained, device, precision: Arguments of :func:`fixlip_widgets.load_model`.
        model: A loaded model, which is used as it is.
    """

    name: Any = None
    pretrained: Any = None
    device: Any = None
    precision: Any = None
    model: Model | None = None

    @classmethod
    def of(cls, model: Any, pretrained: Any = None, device: Any = None, precision: Any = None) -> ModelSource:
        """Return the source of the arguments of :func:`fixlip_widgets.explain_corpus`.

        Raises:
            InputError: A loaded model is combined with arguments for loading one.
        """
        if not isinstance(model, Model):
            return cls(model, pretrained, device, precision)
        if (pretrained, device, precision) != (None, None, None):
            raise InputError("pretrained=, device= and precision= load a model; a loaded model already has its own.")
        return cls(model=model)

    def load(self) -> Model:
        """Return the model."""
        if self.model is not None:
            return self.model
        return load_model(self.name, self.pretrained, device=self.device, precision=self.precision)


def description(model: Model) -> dict[str, str]:
    """Return what identifies a model in ``corpus.json``."""
    return {**model.describe(), "precision": str(model.dtype).removeprefix("torch.")}


def differences(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Return the entries that differ as text; empty if there are none."""
    changed = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return ", ".join(f"{name} was {before.get(name)!r} and is {now.get(name)!r}" for name in changed)
