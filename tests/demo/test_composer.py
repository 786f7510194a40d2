"""Composed scenes are deterministic and correctly labelled; impossible scenes are rejected with a hint."""

import numpy as np
import pytest

from fixlip_widgets import demo
from fixlip_widgets.demo.captions import RELATIONS, Layout, contradict, describe, opposite, relations
from fixlip_widgets.demo.composer import SIDE
from fixlip_widgets.demo.concepts import CONCEPTS, article, plural
from fixlip_widgets.demo.drawing import GRID
from fixlip_widgets.errors import InputError


def test_the_seed_decides_the_scene():
    first, again = (demo.compose(["dog", "banana"], seed=3) for _ in range(2))
    other = demo.compose(["dog", "banana"], seed=4)
    assert np.array_equal(np.asarray(first.image), np.asarray(again.image))
    assert first.caption == again.caption
    assert not np.array_equal(np.asarray(first.image), np.asarray(other.image))


def test_regions_are_where_the_objects_are_drawn():
    scene = demo.compose(["dog", "banana", "car"], background="blue", seed=1)
    pixels = np.asarray(scene.image, dtype=float)
    patches = pixels.reshape(GRID, SIDE // GRID, GRID, SIDE // GRID, 3)
    busy = patches.std(axis=(1, 3)).mean(axis=-1)
    held = np.any(list(scene.regions.values()), axis=0)
    assert busy[held].mean() > 10 * busy[~held].mean()
    for name, cell in zip(scene.layout.names, scene.layout.cells, strict=True):
        rows, columns = np.nonzero(scene.regions[name])
        assert set(rows // 4) == {cell // 2}
        assert set(columns // 4) == {cell % 2}


def test_objects_of_one_name_share_a_region_and_are_counted():
    scene = demo.compose(["apple", "apple", "apple"], seed=2)
    assert scene.caption == "three apples"
    assert list(scene.regions) == ["apple"]
    corners = {(row // 4, column // 4) for row, column in zip(*np.nonzero(scene.regions["apple"]), strict=True)}
    assert len(corners) == 3


@pytest.mark.parametrize("relation", RELATIONS)
def test_a_relation_holds_in_the_picture(relation: str):
    for seed in range(8):
        scene = demo.compose(["cat", "key"], seed=seed, relation=relation)
        assert scene.caption == f"a cat {relation} a key"
        (cat_row, cat_column), (key_row, key_column) = (
            np.argwhere(scene.regions[name]).mean(axis=0) for name in ("cat", "key")
        )
        if relation in ("above", "below"):
            assert (cat_row < key_row) == (relation == "above")
        elif relation in ("left of", "right of"):
            assert (cat_column < key_column) == (relation == "left of")
        else:
            assert abs(cat_column - key_column) > abs(cat_row - key_row)


def test_regions_cannot_be_changed_by_accident():
    region = demo.compose(["dog"]).regions["dog"]
    with pytest.raises(ValueError, match="read-only"):
        region[0, 0] = True


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        ({"names": ["bananna"]}, "did you mean banana"),
        ({"names": ["xylophone"]}, "names\\(\\) lists them all"),
        ({"names": []}, "one to four objects, not 0"),
        ({"names": ["dog"] * 5}, "one to four objects, not 5"),
        ({"names": ["dog"], "background": "plaid"}, "choose one of white"),
        ({"names": ["dog", "cat"], "relation": "under"}, "choose one of left of"),
        ({"names": ["dog", "dog"], "relation": "above"}, "two different objects"),
    ],
)
def test_impossible_scenes_are_rejected_with_a_hint(arguments: dict, fragment: str):
    with pytest.raises(InputError, match=fragment):
        demo.compose(**arguments)


def test_every_concept_and_background_can_be_drawn():
    for name in demo.names():
        assert demo.compose([name], seed=5).regions[name].any()
    for background in demo.backgrounds():
        assert demo.compose(["dog"], background).image.size == (SIDE, SIDE)


def test_ready_scenes_are_composed_by_name():
    ready = demo.scenes()
    assert list(ready) == list(demo.SCENES)
    assert ready["dog_and_banana"].caption == "a dog next to a banana"


def test_true_claims_hold_and_contradictions_do_not():
    rng = np.random.default_rng(0)
    kinds = set()
    for _ in range(600):
        count = int(rng.integers(1, 5))
        names = [str(name) for name in rng.choice(list(CONCEPTS), count)]
        layout = Layout(tuple(names), tuple(int(cell) for cell in rng.permutation(4)[:count]), "green")
        claim = describe(layout, rng)
        false = contradict(claim, layout, rng)
        assert claim.holds(layout), claim.text()
        assert not false.holds(layout), false.text()
        assert claim.text() != false.text()
        if claim.relation not in (None, "next to"):
            assert not opposite(claim).holds(layout)
        kinds.add((claim.relation, claim.exhaustive, claim.background))
    assert {relation for relation, _, _ in kinds} == {None, *RELATIONS}


def test_relations_are_read_from_cells():
    assert relations(0, 1) == ("left of", "next to")
    assert relations(3, 1) == ("below",)
    assert relations(0, 3) == ()


def test_names_have_articles_and_plurals():
    assert [article(name) for name in ("dog", "apple", "umbrella", "unicorn")] == ["a", "an", "an", "a"]
    assert [plural(name) for name in ("dog", "fox", "strawberry")] == ["dogs", "foxes", "strawberries"]
