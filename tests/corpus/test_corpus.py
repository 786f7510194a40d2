"""A corpus: its rows are the explanations of the pairs alone, failures have a sentence, and views keep their rows."""

from __future__ import annotations

import re
import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fixlip_widgets as fx
from fixlip_widgets.cli import main
from fixlip_widgets.explanation.token_support import token_support

from .conftest import PAIRS, SETTINGS, explained


@pytest.fixture(scope="module")
def alone(model: fx.Model) -> list[fx.Explanation]:
    """Return the explanation of each pair alone."""
    return [fx.explain(fx.demo.scene(name).image, caption, model=model, **SETTINGS) for name, caption in PAIRS]


def test_a_row_is_the_explanation_of_the_pair_alone(corpus: fx.Corpus, alone: list[fx.Explanation]) -> None:
    for row, expected in enumerate(alone):
        found = corpus[row]
        for name in ("main", "main_se", "interactions", "interactions_se", "baseline", "baseline_se"):
            np.testing.assert_allclose(
                getattr(found, name), getattr(expected, name), rtol=1e-3, atol=1e-5, err_msg=name
            )
        for name in ("tokens", "grid", "p", "seed", "masks", "masking", "budget", "image_encodes", "text_encodes"):
            assert getattr(found, name) == getattr(expected, name), name
        for name in ("similarity", "empty_similarity", "r2", "r2_in_sample", "spearman", "effective_image_masks"):
            assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-4), name
        assert found.identified == expected.identified
        assert found.model == expected.model


def test_columns_are_those_of_the_explanation(corpus: fx.Corpus, alone: list[fx.Explanation]) -> None:
    for row, expected in zip(corpus.table.to_dict("records"), alone, strict=False):
        assert row["residual"] == pytest.approx(expected.residual, rel=1e-3, abs=1e-4)
        shares = expected.shares()
        assert row["share_cross"] == pytest.approx(shares["cross"], rel=1e-3, abs=1e-6)
        assert row["share_unexplained"] == pytest.approx(1 - shares.explained, abs=1e-6)
        support = token_support(expected)
        np.testing.assert_allclose(row["support"], support.values, rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(row["support_se"], support.errors, rtol=1e-3, atol=1e-5)
        assert row["weakest_token"] in ("dog", "banana", "cat", "car", "street", "bus")
        assert row["least_support"] == pytest.approx(row["support"][row["weakest"]])


def test_captions_of_an_image_share_its_encodings(corpus: fx.Corpus) -> None:
    first, second = corpus.table.iloc[0], corpus.table.iloc[1]
    assert first["image"] == second["image"]
    assert first["image_encodes"] <= first["encodings"] <= first["image_encodes"] + first["text_encodes"]
    assert second["encodings"] <= second["text_encodes"] + max(second["image_encodes"] - first["image_encodes"], 0)
    assert second["encodings"] < second["image_encodes"]


def test_failed_pairs_are_rows_with_a_sentence(corpus: fx.Corpus) -> None:
    failures = corpus.failures.sort_values("id", ignore_index=True)
    assert list(failures["id"]) == ["row 6", "row 7"]
    assert "cannot be read" in failures["error"][0]
    assert "empty" in failures["error"][1]
    assert failures["caption"][0] == "a dog"
    with pytest.raises(fx.InputError, match=r"row 6: .*cannot be read"):
        corpus["row 6"]
    assert corpus.complete
    assert corpus.expected == len(corpus) == 6
    assert "2 of them failed" in repr(corpus)


def test_a_run_ends_with_the_number_of_failures(pairs: Path, model: fx.Model, tmp_path: Path) -> None:
    with pytest.warns(fx.FixlipWarning, match="2 pairs of 6 could not be explained"):
        fx.explain_corpus(pairs, tmp_path / "out", model=model, **SETTINGS)


def test_pictures_need_no_files(corpus: fx.Corpus) -> None:
    with (
        Image.open(BytesIO(corpus.thumbnail(0) or b"")) as small,
        Image.open(BytesIO(corpus.picture(0) or b"")) as seen,
    ):
        assert max(small.size) == 96
        assert seen.size == (128, 128)
        exact = np.asarray(fx.demo.scene(PAIRS[0][0]).image.resize((128, 128), Image.Resampling.BICUBIC), dtype=float)
        assert np.abs(np.asarray(seen.convert("RGB"), dtype=float) - exact).mean() < 8
    assert corpus.thumbnail("row 6") is None
    image = corpus[0].image
    assert image is not None
    assert image.shape == (128, 128, 3)


def test_views_keep_ids_and_explanations(corpus: fx.Corpus) -> None:
    chosen = corpus.where('"dog" in caption and not failed')
    assert list(chosen.table["id"]) == ["row 2", "row 3"]
    assert chosen[1].caption == corpus["row 3"].caption
    assert len(chosen.where("similarity > 1e9")) == 0
    assert list(corpus.take(["row 5", 0]).table["id"]) == ["row 5", "row 2"]
    with pytest.raises(fx.InputError, match="row 9"):
        corpus.take(["row 9"])
    with pytest.raises(fx.InputError, match="numbered 0 to 1"):
        chosen[2]
    with pytest.raises(fx.InputError, match="no row 'row 5'"):
        chosen["row 5"]


def test_views_grow_with_the_folder(pairs: Path, model: fx.Model, tmp_path: Path) -> None:
    table = tmp_path / "set.csv"
    lines = pairs.read_text("utf-8").splitlines()
    for image in pairs.parent.glob("*.png"):
        (tmp_path / image.name).write_bytes(image.read_bytes())
    table.write_text("\n".join(lines[:2]) + "\n", "utf-8")
    corpus = explained(table, tmp_path / "out", model)
    view = corpus.where('"a" in caption')
    table.write_text("\n".join(lines[:3]) + "\n", "utf-8")
    explained(table, tmp_path / "out", model)
    (tmp_path / "more.csv").write_text(f"picture,text\n{lines[3]}\n", "utf-8")
    corpus.add(tmp_path / "more.csv", model=model, image_column="picture", caption_column="text")
    assert list(corpus.table["id"]) == ["row 2", "row 3", "more.csv: row 2"]
    assert (len(view), view.refresh(), len(view)) == (1, 2, 3)
    assert corpus.refresh() == 0
    assert [source["rows"] for source in corpus.sources] == [2, 1]
    assert corpus["more.csv: row 2"].caption == PAIRS[2][1]


def test_the_documentation_lists_the_columns(corpus: fx.Corpus) -> None:
    page = Path(__file__).parents[2] / "docs" / "howto" / "corpus.md"
    described = "\n".join(line for line in page.read_text("utf-8").splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`(\w+)`", described)) == set(corpus.table.columns)


def test_html_has_captions_escaped(corpus: fx.Corpus) -> None:
    assert "a dog next to a banana" in corpus._repr_html_()


def test_a_folder_without_a_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(fx.InputError, match=r"no corpus.json"):
        fx.Corpus(tmp_path)


def test_the_command_resumes_a_folder(
    corpus: fx.Corpus, pairs: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    shutil.copytree(corpus.folder, folder)
    options = ["corpus", "explain", "--data", str(pairs), "--out", str(folder), "--grid", "3x3"]
    assert main([*options, "--budget", "2^9"]) == 0
    assert "6 pairs, 2 of them failed, demo (packaged)" in capsys.readouterr().out
    assert main([*options, "--budget", "2^10"]) == 2
    assert "budget was 512 and is 1024" in capsys.readouterr().err
