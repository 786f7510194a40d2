"""Text vectors of classes: CLIP's zero-shot recipe, in batches whose memory does not depend on their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.encoders.batches import Encoder, encode_all, home, plain_settings
from fixlip_widgets.encoders.captions import tokenize
from fixlip_widgets.errors import InputError
from fixlip_widgets.explainers.game import VisionLanguageGame
from fixlip_widgets.support.checks import list_of

SLOT = "{}"
"""Where a template contains the name of the class."""


def check_names(names: Any, what: str = "class") -> tuple[str, ...]:
    """Return names of classes as a tuple.

    Raises:
        InputError: There is none, one is no string or is blank, or two are equal.
    """
    if isinstance(names, str):
        raise InputError(f"The classes are the string {names!r}; pass a list of names, for example ['cat', 'dog'].")
    listed = list_of(names)
    if not listed:
        raise InputError(f"There is no {what}; pass at least one name.")
    seen = set[str]()
    for name in listed:
        if not isinstance(name, str) or not name.strip():
            raise InputError(f"The name of a {what} is {name!r}; it must be a string that is not blank.")
        if name in seen:
            raise InputError(f"The {what} {name!r} occurs more than once; every name must be unique.")
        seen.add(name)
    return tuple(listed)


def check_templates(templates: Any) -> tuple[str, ...]:
    """Return templates as a tuple; a string is one template.

    Raises:
        InputError: There is none, or one does not contain ``{}`` exactly once.
    """
    listed = list_of(templates)
    if not listed:
        raise InputError("There is no template; pass at least one, for example ('a photo of a {}.',).")
    for template in listed:
        if not isinstance(template, str) or template.count(SLOT) != 1:
            raise InputError(
                f"The template is {template!r}; it must be a string that contains {SLOT} once, where the name of the "
                "class goes, for example 'a photo of a {}.'."
            )
    return tuple(listed)


def check_class(tokenizer: Any, name: str, templates: Sequence[str]) -> None:
    """Raise InputError if the text of a class is longer than the model reads, or has no token, in any template."""
    for template in templates:
        _tokenized(tokenizer, name, template)


def prompt(template: str, name: str) -> str:
    """Return the text of one class in one template."""
    return template.replace(SLOT, name)


@plain_settings
def class_vectors(
    game: VisionLanguageGame,
    names: Sequence[str],
    templates: Sequence[str],
    progress: Callable[[int], None] | None = None,
) -> Tensor:
    """Return (k, d) float64 text vectors of unit norm: the normalised mean over templates of normalised embeddings.

    Args:
        game: A game of the model, whose settings are checked and whose batch size is used.
        names: (k,) names of the classes.
        templates: Texts with one ``{}`` each.
        progress: Called after every batch with the number of texts encoded so far.

    Raises:
        InputError: A text is longer than the model reads, or has no token.
        EncodingError: The model has changed since the game was created, or its outputs are not finite.

    Source: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021, §3.1.4.
    """
    model = game.model
    game.encoder("text")  # raises if the weights have changed

    def encode(ids: Tensor) -> Tensor:
        return F.normalize(model.clip.encode_text(ids).float(), dim=-1)

    run, device = Encoder(encode, model.dtype), home(model.device)
    sums, done = torch.zeros(0, 0, dtype=torch.float64, device=device), 0
    for ids, owners in _batches(model.tokenizer, names, templates, game.batch.size):
        embeddings = encode_all(run, ids, game.batch, model.device, "text").double()
        if not len(sums):
            sums = torch.zeros(len(names), embeddings.shape[1], dtype=torch.float64, device=device)
        sums.index_add_(0, torch.from_numpy(owners).to(device), embeddings)
        done += len(ids)
        if progress is not None:
            progress(done)
    return F.normalize(sums, dim=-1)


def _batches(
    tokenizer: Any, names: Sequence[str], templates: Sequence[str], size: int
) -> Iterator[tuple[NDArray[Any], NDArray[np.int64]]]:
    """Iterate over batches: (b, context) token ids, and the (b,) classes that they belong to."""
    ids, owners = list[Tensor](), list[int]()
    for owner, name in enumerate(names):
        for template in templates:
            ids.append(_tokenized(tokenizer, name, template))
            owners.append(owner)
            if len(ids) == size:
                yield torch.stack(ids).numpy(), np.array(owners, dtype=np.int64)
                ids, owners = [], []
    if ids:
        yield torch.stack(ids).numpy(), np.array(owners, dtype=np.int64)


def _tokenized(tokenizer: Any, name: str, template: str) -> Tensor:
    try:
        return tokenize(tokenizer, prompt(template, name)).ids
    except InputError as error:
        message = str(error).replace("The caption", "The text", 1)
        raise InputError(f"The class {name!r} cannot be read in the template {template!r}: {message}") from error
