"""Explanations of a choice, measured by deletion and insertion of the margin."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fixlip_widgets import load_model
from fixlip_widgets.cli import main
from fixlip_widgets.corpus.pairs import rows_of
from fixlip_widgets.evaluation.margins import METHODS, choose, scores_of, with_bootstrap


@pytest.fixture(scope="module")
def choice():
    return choose(load_model(), rows_of("demo", 1)[0].read(), 128, seed=0)


def test_the_classes_are_those_that_the_model_prefers(choice):
    first, second = choice.classes.logits
    assert first > second
    assert choice.classes.names == (choice.first, choice.second)


def test_curves_end_at_the_margins_of_the_empty_and_of_the_complete_image(choice):
    ends = choice.classes._logits(choice.classes._ends).numpy()
    complete, empty = ends[:, 0] - ends[:, 1]
    for name, (_, explain) in METHODS.items():
        scores = scores_of(choice, explain(choice))
        for half in (scores["most"], scores["least"]):
            assert half[0] == pytest.approx(empty, abs=1e-3), name
            assert half[-1] == pytest.approx(complete, abs=1e-3), name
        assert scores["area"] == pytest.approx(scores["insertion"] - scores["deletion"])


def test_scores_of_a_margin_that_one_patch_decides():
    """The margin is −1 without patch 5 and 3 with it."""
    game = SimpleNamespace(n_image=16, scale=1.0, image_embeddings=_Decided())
    choice = SimpleNamespace(
        n_patches=16, classes=SimpleNamespace(game=game, vectors=torch.tensor([[1.0], [0.0]], dtype=torch.float64))
    )
    scores = scores_of(choice, np.eye(16)[5])
    assert scores["most"] == [-1.0] + [3.0] * 16
    assert scores["least"] == [-1.0] * 16 + [3.0]
    assert scores["flip"] == pytest.approx(1 / 16)  # deleting the patch changes the choice
    assert scores["insertion"] == pytest.approx(3 - 4 / 32)
    assert scores["deletion"] == pytest.approx(-1 + 4 / 32)


class _Decided:
    def __call__(self, masks):
        return torch.from_numpy(np.where(masks[:, 5:6], 3.0, -1.0))


def test_the_contrast_is_better_than_chance(choice):
    contrast, random = (scores_of(choice, METHODS[name][1](choice))["area"] for name in ("contrast", "random"))
    assert contrast > random


def test_bootstrap_intervals_are_those_of_the_normal_distribution_for_many_values():
    values = np.random.default_rng(1).normal(2.0, 1.0, 10_000)
    mean, low, high = with_bootstrap(values).replace("[", "").replace("]", "").replace(",", "").split()
    assert (float(low), float(high)) == pytest.approx((float(mean) - 0.02, float(mean) + 0.02), abs=0.011)


@pytest.mark.slow
def test_the_command_resumes_and_writes_tables(tmp_path, capsys):
    command = ["margins", "--scenes", "1", "--budget", "128", "--out", str(tmp_path)]
    assert main(command) == 0
    first = capsys.readouterr().out
    assert "all scenes: 4" in first
    assert (tmp_path / "table.md").read_text().strip() == first.strip()
    (record, *_) = [path for path in (tmp_path / "records").iterdir() if path.name != "settings.json"]
    changed = json.loads(record.read_text())
    changed["methods"]["random"]["area"] = 400.0
    record.write_text(json.dumps(changed))
    assert main(command) == 0
    assert capsys.readouterr().out != first  # read, not measured again
