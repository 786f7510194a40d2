"""A corpus as one page: the explained pairs, its size, and its sentence on omitted pairs."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fixlip_widgets as fx
from fixlip_widgets.cli import main
from fixlip_widgets.errors import InputError
from fixlip_widgets.gallery import wire_types
from fixlip_widgets.gallery.chosen_pairs import choose_pairs
from fixlip_widgets.gallery.rows import NUMBERS
from fixlip_widgets.gallery.saved_gallery import contents
from tests.pages.reading import Page
from tests.pages.test_wire_types import mismatches


def plain(saved: dict[str, Any]) -> dict[str, Any]:
    """``saved`` without the settings of the explanations, which have no type."""
    explanations = {
        name: {key: value for key, value in each.items() if key != "settings"}
        for name, each in saved["explanations"].items()
    }
    return {**saved, "explanations": explanations}


def test_half_of_the_pairs_have_the_least_support(corpus: fx.Corpus):
    rows, sentence = choose_pairs(corpus, 2)
    support = corpus.table["least_support"]
    assert rows[0] == int(support.idxmin())
    assert len(set(rows)) == 2
    assert "1 pair with the least support" in sentence
    assert "1 other drawn at random" in sentence
    assert not corpus.table["failed"][rows].any()


def test_every_pair_is_explained_where_there_are_few(corpus: fx.Corpus):
    rows, sentence = choose_pairs(corpus, 50)
    assert rows == np.flatnonzero(~corpus.table["failed"]).tolist()
    assert "every pair that could be explained" in sentence


@pytest.mark.parametrize("chosen", [-1, ["no such pair"], ["damaged"]])
def test_pairs_that_cannot_be_explained_are_refused(corpus: fx.Corpus, chosen: Any):
    if chosen == ["damaged"]:
        chosen = [str(corpus.failures["id"][0])]
    with pytest.raises(InputError):
        choose_pairs(corpus, chosen)


def test_a_saved_gallery_has_its_types_and_the_numbers_of_the_table(corpus: fx.Corpus):
    saved = contents(corpus, [str(corpus.table["id"][0])])
    assert mismatches(plain(saved), wire_types.SavedGallery) == []
    for name, column in zip(NUMBERS, saved["numbers"], strict=True):
        expected = corpus.table[name].to_numpy(dtype=float)
        np.testing.assert_array_equal(np.frombuffer(base64.b64decode(column), "<f8"), expected)
    assert saved["traits"]["openable"] == [corpus.table["id"][0]]


def test_a_page_that_would_be_too_large_says_what_it_leaves_out(corpus: fx.Corpus):
    whole = contents(corpus, 4)
    assert "left out" not in whole["traits"]["notice"]
    small = contents(corpus, 4, max_megabytes=0.03)
    assert "explanations" in small["traits"]["notice"]
    assert "left out" in small["traits"]["notice"]
    assert len(small["explanations"]) < 4
    none = contents(corpus, 4, max_megabytes=0.001)
    assert "all pictures" in none["traits"]["notice"]
    assert none["texts"] == whole["texts"]
    with pytest.raises(InputError):
        contents(corpus, 4, max_megabytes=0)


def test_the_command_writes_the_page(corpus: fx.Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "audit.html"
    assert (
        main(["corpus", "report", str(corpus.folder), "--out", str(path), "--pairs", "2", "--where", "not failed"]) == 0
    )
    assert "Report:" in capsys.readouterr().err
    page = Page(path.read_text("utf-8"))
    (saved,) = page.json("saved")
    assert saved["traits"]["total"] == 4
    assert len(saved["explanations"]) == 2
    assert {"code", "details", "plotly", "gallery"} == page.json("view")[0].keys()
    (policy,) = [
        attributes["content"] or ""
        for tag, attributes in page.elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'")


def test_captions_cannot_break_out_of_the_page(corpus: fx.Corpus, tmp_path: Path):
    fx.Gallery(corpus).to_html(tmp_path / "page.html", pairs=0, title="</script><img src=x onerror=alert(1)>")
    page = Page((tmp_path / "page.html").read_text("utf-8"))
    assert all(tag != "img" for tag, _ in page.elements)
