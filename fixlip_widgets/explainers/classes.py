"""``explain_classes``: why a model chooses one class of an image rather than another (zero-shot classification)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from fixlip_widgets.encoders.images import ImageLike
from fixlip_widgets.encoders.models import Model, load_model
from fixlip_widgets.encoders.superpixels import Regions
from fixlip_widgets.encoders.towers import Masking
from fixlip_widgets.errors import InputError
from fixlip_widgets.estimators.masks import DEFAULT_DESIGN, HELD_OUT_STREAM, IMAGE_STREAM, MaskDesign, check_design
from fixlip_widgets.explainers.candidates import Candidates
from fixlip_widgets.explainers.cautions import warn_of_photograph
from fixlip_widgets.explainers.class_recording import record_classes
from fixlip_widgets.explainers.class_texts import check_names, check_templates, class_vectors, prompt
from fixlip_widgets.explainers.encoded_mask_pool import Pool
from fixlip_widgets.explainers.encoding_plan import fill
from fixlip_widgets.explainers.game import VisionLanguageGame
from fixlip_widgets.explainers.metrics.fit import held_out_count
from fixlip_widgets.pages.recordable import recording_of
from fixlip_widgets.pages.recording import Recording
from fixlip_widgets.support.checks import check_budget, check_fit, check_p, check_seed
from fixlip_widgets.support.files import PathLike
from fixlip_widgets.support.progress import ProgressBar

DEFAULT_TEMPLATES = ("a photo of a {}.",)
DEFAULT_MASKS = 2**12
"""Default number of image masks, about as many as :func:`fixlip_widgets.explain` encodes for a caption."""


class Classes(Candidates):
    """The classes of one image; the result of :func:`fixlip_widgets.explain_classes`.

    ``classes["dog"]`` explains the logit of a class, ``classes.contrast("dog", "cat")`` the margin between two, and
    ``classes.probability("dog")`` the log-probability. All are :class:`~fixlip_widgets.Explanation`, whose players are
    the image players alone.

    Attributes:
        names: (k,) names of the classes.
        vectors: (k, d) text vectors of the classes, of unit norm.
        templates: Texts into which the names were put.
        p: Probability of keeping a patch.
        image_encodes, text_encodes: Number of encodings so far.
    """

    kind = "class"
    nouns = ("class", "classes")

    def __init__(
        self, game: VisionLanguageGame, pool: Pool, held_out: Pool, *, templates: tuple[str, ...], **fields: Any
    ):
        super().__init__(game, "image", pool, held_out, **fields)
        self.templates = templates

    @property
    def image_encodes(self) -> int:
        """Number of image masks encoded so far."""
        return self.pool.encodes + self.held_out.encodes

    @property
    def text_encodes(self) -> int:
        """Number of texts encoded so far: classes × templates."""
        return len(self) * len(self.templates)

    def add(self, names: Iterable[str], *, progress: bool | None = None) -> None:
        """Add classes; only their texts are encoded.

        Logits and their explanations do not change; probabilities and their explanations do, because they are against
        all classes.

        Args:
            names: Names of the new classes.
            progress: Whether to show a progress bar; by default only for long computations in interactive use.

        Raises:
            InputError: A name is invalid, exists already, or is too long for the model; no class is added.
            EncodingError: The model has changed since the image was encoded.
        """
        new = check_names(names)
        known = [name for name in new if name in self]
        if known:
            raise InputError(f"The class {known[0]!r} exists already; every name must be unique.")
        with ProgressBar(progress, "encoding", "texts") as bar:
            total = len(new) * len(self.templates)
            vectors = class_vectors(self.game, new, self.templates, lambda done: bar.show(done, total))
        self._extend(new, vectors)

    def to_html(
        self,
        path: PathLike,
        title: str | None = None,
        level: Literal["auto", "simple", "all"] | None = None,
        *,
        playground: bool = False,
    ) -> None:
        """Write a live page: one HTML file that needs neither a kernel nor a network.

        The page explains the five most probable classes, alone and each rather than each other, and contains the
        probabilities of all classes and maps of the twenty most probable ones.

        Args:
            path: The ``.html`` file; an existing file is replaced whole or not at all.
            title: Title of the page; the most probable class by default.
            level: How much the page shows at first; see :func:`fixlip_widgets.report`.
            playground: Whether single patches can be hidden, which shows the probabilities without them. Each patch
                costs one encoding.

        Raises:
            InputError: The level does not exist, or the playground would be too large.
            OSError: The file cannot be written.
        """
        from fixlip_widgets.pages.reports import report

        report([self], path, title, level=level, playground=playground)

    def _choice(self, name: str) -> dict[str, Any]:
        return {**super()._choice(name), "templates": list(self.templates)}

    def _players(self, name: str) -> dict[str, Any]:
        return {
            **self.game.description(),
            "tokens": (),
            "words": False,
            "caption": name,
            "image_encodes": self.image_encodes,
            "text_encodes": self.text_encodes,
        }

    def summary(self) -> str:
        """Return one line on classes, templates, players and cost."""
        shown = f"“{self.templates[0]}”" if len(self.templates) == 1 else f"{len(self.templates)} templates"
        encodings = f"{self.image_encodes:,}+{self.text_encodes:,} encodings"
        return f"{super().summary()}, {shown}, {encodings}, {self.game.model.name}"


@recording_of.register
def _(part: Classes, *, playground: bool = False, **_options: Any) -> tuple[Recording, dict[str, Any]]:
    return record_classes(part, playground=playground), {}


def explain_classes(
    image: ImageLike,
    names: Iterable[str],
    *,
    model: Model | None = None,
    templates: Iterable[str] = DEFAULT_TEMPLATES,
    p: float = 0.5,
    budget: int = DEFAULT_MASKS,
    masks: MaskDesign = DEFAULT_DESIGN,
    order: int = 2,
    seed: int = 0,
    grid: tuple[int, int] | None = None,
    regions: Regions | None = None,
    masking: Masking = "zero",
    ridge: float | None = None,
    check: bool = True,
    progress: bool | None = None,
) -> Classes:
    """Explain a zero-shot classification: which patches, alone and in pairs, make the model choose a class.

    The image masks are encoded once for all classes. A class costs one text encoding per template, and a fit when it is
    asked for.

    Args:
        image: As in :func:`fixlip_widgets.explain`.
        names: Names of the classes: one or more, all different.
        model: A model from :func:`load_model`; the packaged demo model by default.
        templates: Texts with one ``{}`` for the name. The vector of a class is the normalised mean of the normalised
            embeddings of its texts.
        p: Probability of keeping each patch.
        budget: Number of image masks. There are no text masks, so it is not a product as in
            :func:`fixlip_widgets.explain`. A tenth as many (32 to 256) are encoded in addition, to measure the fits.
        masks: As in :func:`fixlip_widgets.explain`.
        order: 2; third-order terms combine patches with tokens, and classes have no tokens that are players.
        seed: Random seed of the masks.
        grid: As in :func:`fixlip_widgets.explain`.
        regions: As in :func:`fixlip_widgets.explain`.
        masking: As in :func:`fixlip_widgets.explain`.
        ridge: As in :func:`fixlip_widgets.explain`.
        check: As in :func:`fixlip_widgets.explain`.
        progress: Whether to show a progress bar; by default only for long computations in interactive use.

    Returns:
        The classes with their logits and probabilities: softmax over the given classes, or sigmoid for models that were
        trained with a sigmoid loss (SigLIP). A single class has a logit, but no softmax probability (NaN).

    Warns:
        FixlipWarning: The demo model is given a photograph.

    Raises:
        InputError: There is no class or a name is blank or repeated; a template does not contain ``{}`` once; a text is
            too long for the model; or another argument is out of range.
        EncodingError: As in :func:`fixlip_widgets.explain`.
    """
    listed, forms = check_names(names), check_templates(templates)
    p, count, seed, design = check_p(p), check_masks(budget), check_seed(seed), check_design(masks)
    check_order(order, "Third-order terms combine patches with tokens, and a class has no tokens that are players")
    check_fit(ridge, "all", 2)
    model = model or load_model()
    text = prompt(forms[0], listed[0])
    game = VisionLanguageGame(model, image, text, grid=grid, regions=regions, masking=masking, check=check)
    warn_of_photograph(model, game.pixels)
    with ProgressBar(progress, "encoding", "encodings") as bar:
        texts = len(listed) * len(forms)
        vectors = class_vectors(game, listed, forms, lambda done: bar.show(done, texts + count))
        pool = Pool(game.n_image, seed=seed, stream=IMAGE_STREAM, name="image", design=design)
        held_out = Pool(game.n_image, seed=seed, stream=HELD_OUT_STREAM, name="image")
        encode_masks(game, pool, held_out, p, count, lambda done, total: bar.show(texts + done, texts + total))
    return Classes(game, pool, held_out, templates=forms, names=listed, vectors=vectors, p=p, ridge=ridge)


def encode_masks(
    game: VisionLanguageGame, pool: Pool, held_out: Pool, p: float, count: int, show: Callable[[int, int], None]
) -> None:
    """Encode ``count`` masks at ``p``, or all if they are not more, and those held out from the fit."""
    extra, done = held_out_count(count), 0
    for done in fill(game, pool, p, count):
        show(done, count + extra)
    if not pool.complete:
        for more in fill(game, held_out, p, extra):
            show(done + more, count + extra)


def check_masks(budget: object) -> int:
    """Return ``budget``, a number of masks.

    Raises:
        InputError: It is not a whole number in the range of budgets.
    """
    try:
        return check_budget(budget)
    except InputError as error:
        message = str(error).replace("evaluations (image masks × text masks)", "masks").replace("2**17", "2**12")
        raise InputError(message) from error


def check_order(order: object, reason: str) -> None:
    """Raise InputError unless ``order`` is 2; ``reason`` is why order 3 does not exist."""
    if order == 3:
        raise InputError(f"order is 3, but only order 2 is available. {reason}.")
    if order != 2:
        raise InputError(f"order is {order!r}; only order 2 is available, which contains main effects and pairs.")
