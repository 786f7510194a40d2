"""A short run of the training command learns, resumes exactly, and exports what open_clip loads."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from fixlip_widgets.demo.concepts import CONCEPTS
from fixlip_widgets.demo.pictures import packaged_pictures
from fixlip_widgets.demo.training import fetch, train
from fixlip_widgets.demo.training.bank import NO_ROLE, TileBank
from fixlip_widgets.demo.training.model import (
    build,
    compact,
    embed_images,
    embed_texts,
    normalise,
    tokenize,
    vision_states,
    vocabulary,
)
from fixlip_widgets.demo.training.muon import Muon, orthogonalise
from fixlip_widgets.encoders.towers.text import TextTower
from fixlip_widgets.support.open_clip import open_clip

SHORT = ["--size", "tiny", "--batch", "16", "--variants", "1", "--warmup", "2"]


@pytest.fixture(autouse=True)
def packaged_instead_of_downloaded(monkeypatch: pytest.MonkeyPatch):
    """The packaged pictures stand in for the downloaded ones: these tests use no network."""
    monkeypatch.setattr(fetch, "pictures", lambda which, cache=None: {"noto": packaged_pictures()})


def run(folder: Path, *more: str) -> dict:
    train.main([*SHORT, *more, "--run", str(folder), "--out", str(folder / "model")])
    return torch.load(folder / "checkpoint.pt", weights_only=True)


def test_an_interrupted_run_continues_to_the_identical_state(tmp_path: Path):
    whole = run(tmp_path / "whole", "--steps", "6")
    trainer = train.Trainer(
        train.Settings(size="tiny", batch=16, variants=1, warmup=2, steps=6), {"noto": packaged_pictures()}
    )
    for _ in range(3):
        trainer.advance()
    (tmp_path / "parts").mkdir()
    trainer.save(tmp_path / "parts" / "checkpoint.pt")
    resumed = run(tmp_path / "parts", "--steps", "6")
    assert resumed["step"] == whole["step"] == 6
    for kind in ("model", "average", "heads"):
        for name, tensor in whole[kind].items():
            assert torch.equal(tensor, resumed[kind][name]), (kind, name)


@pytest.mark.parametrize("shape", [(12, 40), (40, 12)])
def test_orthogonalised_matrices_keep_their_singular_vectors(shape: tuple[int, int]):
    given = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))
    found = orthogonalise(given)
    u, _, v = torch.linalg.svd(given, full_matrices=False)
    values = u.mT @ found @ v.mT
    diagonal = values.diagonal(dim1=1, dim2=2)
    assert (values - torch.diag_embed(diagonal)).abs().max() < 1e-4
    assert 0.6 < float(diagonal.min()) <= float(diagonal.max()) < 1.3


def test_an_update_has_the_size_of_one_of_adamw():
    weight = torch.nn.Parameter(torch.zeros(30, 20))
    weight.grad = torch.randn(30, 20, generator=torch.Generator().manual_seed(0))
    Muon([weight], lr=0.01).step()
    assert 0.1 < float(weight.detach().square().mean().sqrt()) / 0.01 < 0.3


def test_a_run_of_other_settings_is_not_continued(tmp_path: Path):
    run(tmp_path, "--steps", "1")
    with pytest.raises(SystemExit, match="another seed"):
        run(tmp_path, "--steps", "2", "--seed", "1")


@pytest.mark.slow
def test_a_short_run_learns(tmp_path: Path):
    trainer = train.Trainer(
        train.Settings(size="tiny", batch=32, variants=1, warmup=5, steps=150, rate=1e-2), {"noto": packaged_pictures()}
    )
    parts = [trainer.advance() for _ in range(150)]
    early, late = (np.mean([part["contrast"] for part in some]) for some in (parts[:5], parts[-5:]))
    assert late < 0.9 * early


def test_the_export_is_the_trained_model_in_plain_open_clip(tmp_path: Path):
    state = run(tmp_path, "--steps", "2")["average"]
    folder = tmp_path / "model"
    model = build("tiny")
    model.load_state_dict(state)
    config = json.loads((folder / "open_clip_config.json").read_text())
    loaded = open_clip.CLIP(**config)
    loaded.load_state_dict(load_file(folder / "open_clip.safetensors"))
    captions = ["a dog next to a banana", "three apples, an owl and two foxes on a green background"]
    pixels = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        ours = embed_texts(model, compact(tokenize(captions))), embed_images(model, vision_states(model, pixels))
        theirs = loaded.encode_text(tokenize(captions), normalize=True), loaded.encode_image(pixels, normalize=True)
    for mine, other in zip(ours, theirs, strict=True):
        assert (mine * other).sum(dim=1).min() > 0.9999
    record = json.loads((folder / "training.json").read_text())
    assert record["steps"] == 2


def test_all_words_of_captions_are_in_the_vocabulary():
    bank = TileBank({"noto": packaged_pictures()}, 16, 1, 0)
    known = set(vocabulary())
    for step in range(20):
        texts = [claim.text() for claim in bank.batch(64, 0, step).claims]
        assert set(tokenize(texts).flatten().tolist()) <= known
        assert tokenize(texts)[:, -1].max() == 0, "a caption fills the context and may have been cut"


def test_batches_are_labelled_with_what_they_show():
    bank = TileBank({"noto": packaged_pictures()}, 64, 2, 0)
    batch = bank.batch(32, seed=0, step=5)
    again = bank.batch(32, seed=0, step=5)
    assert torch.equal(batch.pixels, again.pixels)
    nothing = len(CONCEPTS)
    for row, cells in enumerate(batch.cells.tolist()):
        present = {index for index in cells if index != nothing}
        assert set(batch.patches[row].tolist()) - {nothing} == present
    assert not batch.false_negative[torch.arange(32), torch.arange(32)].any()


def test_removed_tokens_are_hidden_as_in_an_explanation():
    torch.manual_seed(0)
    model = build("tiny").eval()
    ids = compact(tokenize(["a dog left of a banana", "two owls"]))
    kept = torch.ones(ids.shape, dtype=torch.bool)
    kept[0, [2, 5]] = False
    with torch.no_grad():
        ours = embed_texts(model, ids, kept)
        players = torch.arange(1, 7)
        masks = torch.ones(2, 6, dtype=torch.bool)
        masks[0, [1, 4]] = False
        context = torch.nn.functional.pad(ids[0], (0, 32 - ids.shape[1]))
        theirs = TextTower(model, context, players, torch.arange(6)).encode(masks)
        whole = embed_texts(model, ids)
    torch.testing.assert_close(ours[0], theirs[0])
    torch.testing.assert_close(whole[0], theirs[1])
    torch.testing.assert_close(ours[1], whole[1])
    assert (ours[0] - whole[0]).abs().max() > 1e-3


def test_scenes_and_captions_that_lost_parts_have_all_others_as_negatives():
    bank = TileBank({"noto": packaged_pictures()}, 16, 1, 0)
    cut, excluded, lost = 0, 0, 0
    for step in range(5):
        batch = bank.batch(64, seed=0, step=step, removal=0.5)
        whole = bank.batch(64, seed=0, step=step, removal=0.0)
        assert batch.kept_tokens[64:].all()
        assert batch.kept_tokens[:, 0].all()
        assert batch.kept_tokens[torch.arange(64), batch.tokens[:64].argmax(dim=1)].all()
        complete = batch.kept.all(dim=1)[:, None] & batch.kept_tokens.all(dim=1)
        assert not batch.false_negative[~complete].any()
        assert torch.equal(batch.false_negative[complete], whole.false_negative[complete])
        short = ~batch.kept_tokens.all(dim=1)
        assert (batch.text_roles[short] == NO_ROLE).all()
        cut, excluded = cut + int(short.sum()), excluded + int(batch.false_negative.sum())
        lost += int(whole.false_negative.sum())
    assert cut > 100
    assert 0 < excluded < lost


def test_the_share_of_incomplete_pairs_grows_with_the_steps(monkeypatch):
    settings = train.Settings(size="tiny", batch=8, steps=4, variants=1, removal=0.6)
    trainer = train.Trainer(settings, {"noto": packaged_pictures()})
    shares: list[float] = []
    batch = trainer.bank.batch
    monkeypatch.setattr(trainer.bank, "batch", lambda *args: shares.append(args[-1]) or batch(*args))
    for _ in range(4):
        trainer.advance()
    assert shares == pytest.approx([0.0, 0.15, 0.3, 0.45])


def test_removed_patches_are_zero_after_normalisation():
    pixels = torch.full((1, 128, 128, 3), 200, dtype=torch.uint8)
    kept = torch.ones(1, 64, dtype=torch.bool)
    kept[0, 9] = False
    seen = normalise(pixels, kept)
    assert (seen[0, :, 16:32, 16:32] == 0).all()
    assert (seen != 0).sum() == 3 * (128 * 128 - 16 * 16)
