"""``explain_corpus``: explain many pairs into a folder in one call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fixlip_widgets.corpus.corpus import Corpus
from fixlip_widgets.corpus.data_sets import data_set
from fixlip_widgets.corpus.run import Engine, Workers, run
from fixlip_widgets.corpus.settings import DEFAULT_BUDGET, ModelSource, Settings
from fixlip_widgets.encoders.towers import Masking
from fixlip_widgets.estimators.masks import DEFAULT_DESIGN, MaskDesign
from fixlip_widgets.support.files import PathLike


def explain_corpus(
    data: Any,
    out: PathLike,
    *,
    model: Any = None,
    pretrained: Any = None,
    device: Any = None,
    precision: Any = None,
    p: float = 0.5,
    budget: int = DEFAULT_BUDGET,
    seed: int = 0,
    grid: tuple[int, int] | None = None,
    regions: int | None = None,
    words: bool = False,
    masking: Masking = "zero",
    masks: MaskDesign = DEFAULT_DESIGN,
    check: bool = True,
    image_column: str = "image",
    caption_column: str = "caption",
    scenes: int = 200,
    engine: Engine = "local",
    workers: int | None = None,
    gpus_per_worker: float | None = None,
    retry_failed: bool = False,
    progress: bool | None = None,
) -> Corpus:
    """Explain every pair of ``data`` by FIxLIP, and write the explanations to a folder.

    Each row is written when it is finished. After an interruption, the same call computes only the missing rows. A pair
    that cannot be explained becomes a row with the reason. All captions of an image share its encodings; each
    explanation is the one that :func:`fixlip_widgets.explain` returns for the pair alone.

    Args:
        data: ``"demo"`` for composed scenes; a folder of images with ``.txt`` captions, a ``.csv``, ``.tsv``,
            ``.jsonl`` or ``.parquet`` file, or a webdataset ``.tar``; a pattern or a list of such paths, as for several
            shards; a :class:`pandas.DataFrame`; or a :class:`datasets.Dataset`. Several captions of an image are
            several rows.
        out: The folder, created if missing.
        model: A model from :func:`fixlip_widgets.load_model`, or the first argument of that function; by default the
            packaged demo model.
        pretrained: As for :func:`fixlip_widgets.load_model`.
        device: As there.
        precision: As there.
        p: As for :func:`fixlip_widgets.explain`.
        budget: Number of evaluations of the game of each pair.
        seed: Random seed of the masks of each pair, and of demo scenes.
        grid: As for :func:`fixlip_widgets.explain`.
        regions: Number of superpixels in place of a grid.
        words: As for :func:`fixlip_widgets.explain`.
        masking: As there.
        masks: As there.
        check: As there.
        image_column: Column of images in tables.
        caption_column: Column of captions in tables.
        scenes: Number of demo scenes for each number of objects, from one to four.
        engine: ``"local"`` for this process, or ``"ray"`` for a Ray cluster: the one at ``RAY_ADDRESS``, or else one
            that is started on this machine (``pip install 'fixlip-widgets[ray]'``).
        workers: Number of Ray actors, each with the model; by default one a GPU, or one a CPU without GPUs.
        gpus_per_worker: GPUs of each actor, such as 0.25; by default 1 if there are any.
        retry_failed: Whether pairs that failed before are explained again. Their rows are replaced at the end of the
            run, and keep their positions.
        progress: Whether to show a progress bar; by default in a terminal or notebook.

    Returns:
        The corpus.

    Warns:
        FixlipWarning: Some pairs could not be explained, or a part of the folder was damaged and is computed again.

    Raises:
        InputError: An argument is invalid, or the folder has explanations of another model, of other settings or of
            another data set; the message has the differences.
        ModelError: The model cannot be loaded.
        FixlipError: Another run writes into the folder, or the disk is full.
    """
    settings = Settings(
        p=p,
        budget=budget,
        seed=seed,
        grid=grid,
        regions=regions,
        words=words,
        masking=masking,
        masks=masks,
        check=check,
    ).checked()
    place = Workers(engine, workers, gpus_per_worker).checked()
    source = ModelSource.of(model, pretrained, device, precision)
    rows = data_set(data, (image_column, caption_column), scenes, settings.seed)
    run(Path(out), rows, source, settings, place, retry_failed=retry_failed, progress=progress)
    return Corpus(out)
