"""What the view receives: rows, thumbnails and explanations are those of the corpus."""

from __future__ import annotations

import io
import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fixlip_widgets as fx
from fixlip_widgets.errors import InputError
from fixlip_widgets.gallery.messages import Answers
from fixlip_widgets.gallery.rows import NUMBERS, weakest_span
from tests.pages.reading import unpacked


@pytest.mark.parametrize(
    ("caption", "tokens", "index", "marked"),
    [
        ("a dog next to a banana", ("a", "dog", "next", "to", "a", "banana"), 5, "banana"),
        ("A Dog and a dog", ("a", "dog", "and", "a", "dog"), 4, "dog"),
        ("🐶 a dog", ("a", "dog"), 1, "dog"),
        ("a hydrant", ("a", "hydr", "ant"), 2, "ant"),
        ("a cat", ("a", "dog"), 1, None),
        ("a cat", ("a", "cat"), -1, None),
    ],
)
def test_the_weakest_token_is_marked_at_its_place(
    caption: str, tokens: tuple[str, ...], index: int, marked: str | None
):
    span = weakest_span(caption, tokens, index)
    if marked is None:
        assert span is None
        return
    assert span is not None
    begin, end = (2 * unit for unit in span)
    assert caption.encode("utf-16-le")[begin:end].decode("utf-16-le") == marked
    assert end == 2 * len(caption.encode("utf-16-le")) // 2  # the last one, where there are several


def test_rows_are_those_of_the_table(corpus: fx.Corpus):
    message, buffers = Answers(corpus).rows(1, 5)
    table = corpus.table.iloc[1:5]
    assert message["texts"]["columns"]["caption"] == table["caption"].tolist()
    for name, buffer in zip(NUMBERS, buffers, strict=True):
        np.testing.assert_array_equal(np.frombuffer(buffer, "<f8"), table[name].to_numpy(dtype=float))
    captions = message["texts"]["columns"]["caption"]
    marked = [
        caption[slice(*span)] for caption, span in zip(captions, message["texts"]["weakest"], strict=True) if span
    ]
    assert marked == [token for token in table["weakest_token"] if token]


def test_thumbnails_are_small_and_missing_where_the_picture_is_damaged(corpus: fx.Corpus):
    damaged = corpus.table["image"].str.contains("damaged").to_numpy().nonzero()[0]
    message, buffers = Answers(corpus).answer({"type": "thumbnails", "rows": [0, int(damaged[0])]}, len(corpus))
    assert message["rows"] == [0, damaged[0]]
    assert max(Image.open(io.BytesIO(buffers[0])).size) <= 96
    assert buffers[1] == b""


def test_an_opened_pair_has_the_numbers_of_its_explanation(corpus: fx.Corpus):
    row = int(np.flatnonzero(~corpus.table["failed"])[0])
    message, _ = Answers(corpus).answer({"type": "explanation", "row": row}, len(corpus))
    (snapshot,) = message["saved"]["snapshots"]
    np.testing.assert_allclose(unpacked(snapshot["result"]["interactions"]), corpus[row].interactions, rtol=1e-6)


@pytest.mark.parametrize(
    "request_", [{"type": "explanation", "row": 99}, {"type": "thumbnails", "rows": ["x"]}, {"type": "what"}, None]
)
def test_requests_that_make_no_sense_are_refused(corpus: fx.Corpus, request_: object):
    with pytest.raises(InputError):
        Answers(corpus).answer(request_, len(corpus))


def test_a_pair_that_failed_says_why(corpus: fx.Corpus):
    row = int(np.flatnonzero(corpus.table["failed"])[0])
    with pytest.raises(InputError) as refused:
        Answers(corpus).answer({"type": "explanation", "row": row}, len(corpus))
    assert corpus.table["error"][row] in str(refused.value)


def test_the_front_end_is_tested_against_what_python_answers_now():
    written = runpy.run_path(str(Path(__file__).parents[2] / "js" / "dev" / "gallery_answers.py"))
    committed = json.loads(written["TARGET"].read_text("utf-8"))
    assert committed == json.loads(written["text"]()), "run python js/dev/gallery_answers.py and commit answers.json"
