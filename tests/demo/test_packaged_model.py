"""The packaged model is a real, trained CLIP: on scenes it never saw it names, finds and locates objects."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fixlip_widgets import IncrementalExplainer, VisionLanguageGame, demo, load_model, metrics
from fixlip_widgets.corpus.pairs import OBJECTS, rows_of
from fixlip_widgets.demo.concepts import article
from fixlip_widgets.demo.pictures import packaged_pictures
from fixlip_widgets.demo.training.card import write_card
from fixlip_widgets.demo.training.evaluate import Encoder, Examiner
from fixlip_widgets.demo.training.train import PACKAGED
from fixlip_widgets.estimators.masks import smallest_budget
from fixlip_widgets.explainers.baselines import shapley_values


@pytest.fixture(scope="module")
def examiner() -> Examiner:
    return Examiner(Encoder(demo.model_path().parent), packaged_pictures(), seed=12345)


def test_the_packaged_files_are_open_clips_own():
    config = json.loads(demo.config_path().read_text())
    assert {"embed_dim", "vision_cfg", "text_cfg"} <= set(config)
    assert demo.model_path().stat().st_size < 20 * 2**20


def test_it_names_single_objects(examiner: Examiner):
    assert examiner.naming(rounds=1) >= 0.85


def test_it_finds_the_caption_of_two_objects_among_many(examiner: Examiner):
    assert examiner.retrieval(2, rounds=1, among=128) >= 0.85


def test_a_turned_relation_lowers_the_similarity(examiner: Examiner):
    assert examiner.swap(cases=128) >= 0.85


def test_nouns_depend_on_their_own_object(examiner: Examiner):
    assert examiner.binding(cases=24) >= 0.85


def test_removing_patches_lowers_the_similarity_gradually(examiner: Examiner):
    scenes = [demo.compose([name], seed=9) for name in demo.names()[::4]]
    texts = examiner.encoder.texts([scene.caption for scene in scenes])
    rng = np.random.default_rng(0)
    order = rng.random((len(scenes), 64))
    kept = [order < share for share in (1.0, 0.6, 0.2, 0.0)]
    means = [float((examiner.encoder.images(scenes, some) * texts).sum(dim=1).mean()) for some in kept]
    assert means == sorted(means, reverse=True)


def test_ready_scenes_are_understood_except_the_marked_mistakes(examiner: Examiner):
    ready = demo.scenes()
    encoder = examiner.encoder
    named = encoder.texts([f"{article(name)} {name}" for name in demo.names()])
    captions = encoder.texts([scene.caption for scene in ready.values()])
    for row, (name, scene) in enumerate(ready.items()):
        image = encoder.images([scene])
        if name in demo.MISTAKES:
            assert demo.names()[int((image @ named.T).argmax())] == demo.MISTAKES[name]
            continue
        assert int((image @ captions.T).argmax()) == row
        nouns = list(scene.regions)
        kept = np.stack([~scene.regions[noun].reshape(64) for noun in nouns])
        without = encoder.images([scene] * len(nouns), kept)
        losses = named[[demo.names().index(noun) for noun in nouns]] @ (image - without).T
        assert losses.argmax(dim=1).tolist() == list(range(len(nouns))), name


@pytest.mark.slow
def test_values_of_a_word_differ_between_two_captions_of_the_same_words():
    """notebooks/03_compare.ipynb: two captions are two games."""
    scene = demo.scene("owl_above_pizza")
    values = []
    for caption in (scene.caption, "a pizza above an owl"):
        game = VisionLanguageGame(load_model(), scene.image, caption)
        values.append(shapley_values(game).main[game.n_image + game.tokens.index("above")])
    assert values[0] > 0 > values[1]


@pytest.mark.slow
def test_nouns_interact_positively_with_their_objects():
    """Mean PGR of scenes with one to four objects; chance is 0.5."""
    model, found = load_model(), {count: [] for count in OBJECTS}
    for row in rows_of("demo", scenes=3):
        pair = row.read()
        game = VisionLanguageGame(model, pair.image, pair.caption)
        explainer = IncrementalExplainer(game)
        explainer.extend(p=0.5, budget=smallest_budget(256, game.n_image, game.n_text))
        found[pair.objects].append(metrics.pointing_game(explainer.explanation(), pair.regions).pgr)
    means = {count: float(np.mean(scores)) for count, scores in found.items()}
    assert min(means.values()) > 0.7, means


def test_the_card_is_what_the_records_say(tmp_path: Path):
    for name in ("training.json", "evaluation.json"):
        shutil.copy(PACKAGED / name, tmp_path)
    assert write_card(tmp_path).read_text("utf-8") == (PACKAGED / "MODEL_CARD.md").read_text("utf-8")
    record = json.loads((tmp_path / "training.json").read_text("utf-8"))
    (tmp_path / "training.json").write_text(json.dumps({**record, "removal": 0.4, "history": "Resumed twice."}))
    card = write_card(tmp_path).read_text("utf-8")
    assert "Up to 40 % of the scenes and of the captions lose random parts" in card
    assert f"seed {record['seed']}. Optimiser: {record['optimiser']}. Resumed twice.\n" in card
