"""Files of pools, from which another kernel resumes the work."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from fixlip_widgets.errors import PoolError
from fixlip_widgets.estimators.masks import MASK_DESIGNS
from fixlip_widgets.explainers.game import VisionLanguageGame
from fixlip_widgets.explainers.pair_pools import PairPools
from fixlip_widgets.support.files import PathLike, read_npz

FORMAT = 1
"""Version of the file format."""

Arrays = dict[str, NDArray[Any]]


def pack_pools(pools: PairPools, game: VisionLanguageGame) -> tuple[Arrays, dict[str, Any]]:
    """Return the arrays and metadata of a file of ``pools``, with the identity of the pair of ``game``."""
    arrays: Arrays = {}
    states: dict[str, Any] = {}
    for name, pool in pools.by_name().items():
        own, states[name] = pool.state()
        arrays.update({f"{name}_{key}": value for key, value in own.items()})
    return arrays, {
        "format": FORMAT,
        "kind": "pool",
        "seed": pools.seed,
        "masks": pools.design,
        "pools": states,
        "earlier": list(pools.past_encodes),
        "pair": game.fingerprint(),
    }


def read_pools(path: PathLike, game: VisionLanguageGame) -> tuple[PairPools, dict[str, Any]]:
    """Read the pools of the pair of ``game``, and the file's metadata.

    Raises:
        PoolError: The file is damaged, of another version, or of another model, image, caption or grid.
    """
    arrays, metadata = read_npz(path)
    if metadata.get("kind") == "explanation":
        raise PoolError(f"{path} is an explanation, not a pool; load it with Explanation.load.")
    if metadata.get("kind") != "pool" or metadata.get("format") != FORMAT:
        raise PoolError(f"{path} is not a pool of format {FORMAT}; make it again with this version.")
    for what, value in game.fingerprint().items():
        if (stored := metadata["pair"].get(what)) != value:
            raise PoolError(f"{path} belongs to another {what} ({stored}, not {value}); load it with its own.")
    design = metadata.get("masks", "random")  # earlier versions drew random masks only
    if design not in MASK_DESIGNS:
        raise PoolError(f"{path} has masks of an unknown design, {design!r}; make it again with this version.")
    pools = PairPools(game.n_image, game.n_text, metadata["seed"], design)
    image_encodes, text_encodes = metadata["earlier"]
    pools.past_encodes = image_encodes, text_encodes
    try:
        for name, pool in pools.by_name().items():
            own = {key: arrays[f"{name}_{key}"] for key in ("masks", "embeddings")}
            pool.restore(own, metadata["pools"][name], game.model.device)
    except KeyError as error:
        raise PoolError(f"{path} is damaged: it lacks {error}.") from error
    return pools, metadata
