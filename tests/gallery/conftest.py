"""The corpus of tests/corpus: four explained pairs and two that failed."""

from __future__ import annotations

import pytest

import fixlip_widgets as fx
from tests.corpus.conftest import corpus, model, pairs

__all__ = ["corpus", "model", "pairs"]


@pytest.fixture
def gallery(corpus: fx.Corpus):
    gallery = fx.Gallery(fx.Corpus(corpus.folder), sort="row")
    yield gallery
    gallery.close()
