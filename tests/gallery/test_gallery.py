"""The gallery from Python: settings, the pairs that it shows, growth, and what is kept for a notebook's export."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, get_type_hints

import nbformat
import numpy as np
import pytest

import fixlip_widgets as fx
from fixlip_widgets.errors import InputError
from fixlip_widgets.gallery import wire_types
from fixlip_widgets.pages.nbconvert_exporter import enliven
from tests.pages.reading import Page


def test_it_shows_what_passes_every_filter_in_order(gallery: fx.Gallery, corpus: fx.Corpus):
    gallery.sort, gallery.descending = "similarity", True
    gallery.query = "not failed"
    gallery.search = " DOG "
    table = gallery.corpus.table
    assert set(table["caption"]) == {"a dog next to a banana", "a dog and a cat"}
    assert table["similarity"].is_monotonic_decreasing
    smallest = float(table["similarity"].min())
    gallery.ranges = {"similarity": (smallest, smallest)}
    assert gallery.corpus.table["id"].tolist() == [table["id"].iloc[-1]]


def test_pairs_without_a_number_come_last_either_way(gallery: fx.Gallery):
    gallery.sort = "similarity"
    for descending in (False, True):
        gallery.descending = descending
        assert gallery.corpus.table["failed"].tolist() == [False] * 4 + [True] * 2


@pytest.mark.parametrize(
    "settings",
    [
        {"sort": "beauty"},
        {"ranges": {"similarity": (2, 1)}},
        {"ranges": {"caption": (0, 1)}},
        {"ranges": {"r2": "high"}},
        {"colour": "red"},
    ],
)
def test_settings_that_make_no_sense_are_refused(corpus: fx.Corpus, settings: dict[str, Any]):
    with pytest.raises(InputError):
        fx.Gallery(corpus, **settings)


def test_the_view_changes_settings_and_nothing_else(gallery: fx.Gallery, monkeypatch: pytest.MonkeyPatch):
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(gallery, "send", lambda content, buffers=None: messages.append(content))
    gallery.set_state({"sort": "r2", "selected": ["row 0"], "total": 7})
    assert (gallery.sort, gallery.selected, gallery.total) == ("r2", ["row 0"], 6)
    gallery.set_state({"sort": "beauty"})
    assert gallery.sort == "r2"
    assert [message["name"] for message in messages if message["type"] == "refused"] == ["total", "sort"]


def test_every_trait_that_the_view_reads_has_a_type():
    own = {"bundle", "viewer", "details", "plotly", "kept"}
    names = {name for name in fx.Gallery.class_own_traits(sync=True) if not name.startswith("_")}
    assert set(get_type_hints(wire_types.GalleryTraits)) == names - own


def test_new_pairs_are_sent_as_they_are_explained(
    corpus: fx.Corpus, model: fx.Model, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "growing"
    shutil.copytree(corpus.folder, folder)
    gallery = fx.Gallery(fx.Corpus(folder))
    messages: list[tuple[dict[str, Any], list[bytes]]] = []
    monkeypatch.setattr(gallery, "send", lambda content, buffers=None: messages.append((content, buffers)))
    more = pairs.with_name("more.csv")
    more.write_text("image,caption\nstreet.png,a tree\n", "utf-8")
    fx.Corpus(folder).add(more, model=model, progress=False)
    assert gallery._grow()
    assert (gallery.total, gallery.expected, gallery.complete) == (7, 7, True)
    ((message, buffers),) = messages
    assert message["start"] == 6
    assert message["texts"]["columns"]["caption"] == ["a tree"]
    assert np.isfinite(np.frombuffer(buffers[0], "<f8")).all()
    gallery.close()


def test_it_follows_a_corpus_that_is_being_written(corpus: fx.Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fixlip_widgets.gallery.gallery.POLL_SECONDS", 0.01)
    folder = tmp_path / "unfinished"
    shutil.copytree(corpus.folder, folder)
    description = json.loads((folder / "corpus.json").read_text("utf-8"))
    description["sources"][0]["rows"] += 1
    (folder / "corpus.json").write_text(json.dumps(description), "utf-8")
    gallery = fx.Gallery(fx.Corpus(folder))
    gallery._keeps = True  # as if it were displayed
    assert not gallery.complete
    assert "growing" in repr(gallery)
    shutil.copy(corpus.folder / "corpus.json", folder / "corpus.json")
    for _ in range(6000):
        if gallery.kept is not None:
            break
        gallery._closed.wait(0.01)
    assert gallery.complete
    assert gallery.kept["traits"]["total"] == 6
    gallery.close()


def test_an_exported_notebook_has_the_gallery(gallery: fx.Gallery, corpus: fx.Corpus):
    gallery.keep(pairs=2)
    gallery.query = "not failed"
    state = {name: value for name, value in gallery.get_state().items() if name not in ("layout",)}
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": gallery.model_id, "version_major": 2}}
    cell = nbformat.v4.new_code_cell("gallery", outputs=[nbformat.v4.new_output("display_data", data=view)])
    notebook = nbformat.v4.new_notebook(cells=[cell])
    holder = {"state": {gallery.model_id: {"state": state}}}
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": holder}
    enliven(notebook)
    page = Page(notebook.cells[0].outputs[0]["data"]["text/html"])
    assert "gallery" in page.json("view")[0]
    (saved,) = Page(page.frames[0]).json("saved")
    assert saved["traits"]["query"] == "not failed"
    assert saved["texts"]["columns"]["id"] == corpus.table["id"].tolist()
    assert len(saved["explanations"]) == 2
