"""An explanation is a polynomial, is immutable, and is loaded from disk unchanged or rejected."""

import errno
import json
import pickle
import zipfile
from dataclasses import FrozenInstanceError, fields
from itertools import product

import numpy as np
import pytest

from fixlip_widgets.errors import InputError, PoolError
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.support import files
from tests.examples import dog_and_hydrant, random_explanation


def every_mask(n):
    return np.array([*product([False, True], repeat=n)])


def same(one, other):
    """Compare two explanations bit for bit; NaN equals NaN."""
    for item in fields(Explanation):
        a, b = getattr(one, item.name), getattr(other, item.name)
        if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
            if (a.dtype, a.shape, a.tobytes()) != (b.dtype, b.shape, b.tobytes()):
                return False
        elif isinstance(a, float) and np.isnan(a):
            if not (isinstance(b, float) and np.isnan(b)):
                return False
        elif a != b or type(a) is not type(b):
            return False
    return True


# -- values ----------------------------------------------------------------------------------------------------------


def test_predict_is_the_polynomial_written_out():
    explanation = random_explanation(2, 2)
    n = explanation.n_players
    for mask, predicted in zip(every_mask(n), explanation.predict(every_mask(n)), strict=True):
        value = explanation.baseline
        for i in range(n):
            value += explanation.main[i] * mask[i]
            for j in range(i + 1, n):
                value += explanation.interactions[i, j] * mask[i] * mask[j]
        assert predicted == pytest.approx(value)


@pytest.mark.parametrize("p", [0.2, 0.5, 0.85])
def test_first_order_is_the_expected_marginal_contribution(p):
    explanation = random_explanation(2, 2, p=p)
    n = explanation.n_players
    masks = every_mask(n)
    values = explanation.predict(masks)
    at = {mask.tobytes(): value for mask, value in zip(masks, values, strict=True)}
    for i in range(n):
        expected = 0.0
        for mask in masks[~masks[:, i]]:
            others = np.delete(mask, i)
            joined = mask.copy()
            joined[i] = True
            chance = np.prod(np.where(others, p, 1 - p))
            expected += chance * (at[joined.tobytes()] - at[mask.tobytes()])
        assert explanation.first_order()[i] == pytest.approx(expected)


def test_conditioning_gives_a_players_interactions_and_its_own_main_effect():
    explanation = random_explanation(2, 3)
    row = explanation.condition_on("red")
    assert row[7] == explanation.main[7]
    np.testing.assert_array_equal(np.delete(row, 7), np.delete(explanation.interactions[7], 7))
    np.testing.assert_array_equal(row, explanation.condition_on(7))


def test_cross_is_tokens_by_patches():
    explanation = random_explanation(2, 3)
    assert explanation.cross.shape == (3, 6)
    assert explanation.cross[2, 4] == explanation.interactions[4, 8]


def test_the_residual_is_what_the_surrogate_leaves():
    explanation = random_explanation(similarity=10.0)
    everyone = np.ones((1, explanation.n_players), dtype=bool)
    assert explanation.residual == pytest.approx(10.0 - explanation.predict(everyone)[0])


def test_top_is_sorted_by_magnitude_and_names_its_players():
    explanation = random_explanation(2, 3)
    terms = explanation.top(1000)
    assert len(terms) == 9 * 8 // 2
    assert [abs(term.value) for term in terms] == sorted((abs(term.value) for term in terms), reverse=True)
    for term in terms:
        i, j = term.players
        assert term.value == explanation.interactions[i, j]
        assert term.names == (explanation.names[i], explanation.names[j])
        np.testing.assert_equal(term.standard_error, explanation.interactions_se[i, j])
    assert explanation.top(0) == []


def test_top_of_a_first_order_explanation_is_its_main_effects():
    explanation = random_explanation(order=1, interactions=np.zeros((9, 9)))
    assert [term.players for term in explanation.top(2)] == [
        (int(i),) for i in np.argsort(-np.abs(explanation.main))[:2]
    ]


def test_names_count_rows_and_columns_from_one():
    explanation = random_explanation(2, 3)
    assert explanation.names[5] == "patch (2, 3)"
    assert explanation.names[6:] == ("a", "red", "dog")
    assert explanation.player("patch (2, 3)") == 5
    assert explanation.player("dog") == 8
    assert explanation.player(np.int64(3)) == 3


@pytest.mark.parametrize(
    ("player", "says"),
    [
        ("cat", "is not a player"),
        ("a", "more than once; give an index: 6 and 8"),
        (1.5, "1.5"),
        (True, "True"),
        (9, "0 to 8"),
        (-1, "0 to 8"),
    ],
)
def test_unknown_and_ambiguous_players_are_rejected(player, says):
    explanation = random_explanation(2, 3, ("a", "red", "a"))
    with pytest.raises(InputError, match=says):
        explanation.player(player)


def test_the_frame_has_every_term():
    explanation = random_explanation(2, 3)
    frame = explanation.to_frame()
    assert frame["order"].value_counts().to_dict() == {0: 1, 1: 9, 2: 36}
    assert frame["value"].sum() == pytest.approx(explanation.predict(np.ones((1, 9)))[0])


@pytest.mark.parametrize(
    "fields_", [{"main": np.zeros(8)}, {"interactions": np.zeros((9, 8))}, {"main_se": np.zeros(3)}, {"tokens": ("a",)}]
)
def test_arrays_of_the_wrong_shape_are_rejected(fields_):
    with pytest.raises(InputError, match="players need"):
        random_explanation().replace(**fields_)


@pytest.mark.parametrize("masks", [np.ones(9), np.ones((2, 8)), np.ones((1, 1, 9))])
def test_masks_of_the_wrong_shape_are_rejected(masks):
    with pytest.raises(InputError, match="image players first"):
        random_explanation().predict(masks)


# -- immutability ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["main", "interactions", "main_se", "interactions_se", "image", "cross"])
def test_arrays_cannot_be_written_to(name):
    with pytest.raises(ValueError, match="read-only"):
        getattr(random_explanation(), name)[0] = 0


def test_fields_cannot_be_set():
    with pytest.raises(FrozenInstanceError):
        random_explanation().p = 0.1


def test_arguments_are_copied():
    main = np.zeros(9)
    explanation = random_explanation(main=main)
    main[:] = 1
    assert not explanation.main.any()


def test_replacing_a_field_leaves_the_original():
    explanation = random_explanation(p=0.5)
    assert explanation.replace(p=0.3).p == 0.3
    assert explanation.p == 0.5


# -- on disk --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "explanation",
    [
        dog_and_hydrant(),
        random_explanation(
            seed=7, r2=0.9, spearman=None, similarity=float("nan"), ridge=0.1, effective_image_masks=12.5
        ),
        random_explanation(tokens=("ä", '"', "\n", "日本"), main_se=None, interactions_se=None, image=None),
        random_explanation(
            identified={"cross": True, "text_text": False, "image_image": False}, scope="cross", model={}
        ),
    ],
)
def test_loading_gives_back_what_was_saved_bit_for_bit(tmp_path, explanation):
    path = tmp_path / "explanation.npz"
    explanation.save(path)
    assert same(Explanation.load(path), explanation)


def test_values_that_are_infinite_survive(tmp_path):
    explanation = random_explanation(baseline=float("-inf"), similarity=float("inf"))
    explanation.save(tmp_path / "e.npz")
    assert same(Explanation.load(tmp_path / "e.npz"), explanation)


def test_the_file_keeps_its_name_and_leaves_nothing_beside_it(tmp_path):
    random_explanation().save(tmp_path / "without_suffix")
    assert [path.name for path in tmp_path.iterdir()] == ["without_suffix"]


def test_truncated_files_are_rejected(tmp_path):
    path = tmp_path / "e.npz"
    random_explanation(1, 1, ("a",)).save(path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(PoolError):
            Explanation.load(path)


def test_a_file_with_a_damaged_byte_is_rejected_or_equal(tmp_path):
    explanation = random_explanation(1, 1, ("a",), image=None)
    path = tmp_path / "e.npz"
    explanation.save(path)
    whole, refused = path.read_bytes(), 0
    for at in range(0, len(whole), 3):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            loaded = Explanation.load(path)
        except PoolError:
            refused += 1
        else:
            assert same(loaded, explanation)
    assert refused > 100


def write_metadata(path, metadata):
    files.write_npz(path, {"main": np.zeros(9), "interactions": np.zeros((9, 9))}, metadata)


def save_arrays(path, **arrays):
    with path.open("wb") as stream:
        np.savez(stream, **arrays)


def save_array(path, array):
    with path.open("wb") as stream:
        np.save(stream, array)


def save_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")


class Exploit:
    """An object that creates a file when unpickled."""

    def __reduce__(self):
        return (open, ("unpickled", "w"))


def foreign_files(path):
    """Yield names of, and functions that write, files that are not explanations."""
    good = {"format": 1, "kind": "explanation", "tokens": ["a", "b", "c"], "grid": [2, 3], "baseline": 0.0}
    yield "text", lambda: path.write_text("hello")
    yield "empty", lambda: path.write_bytes(b"")
    yield "pickle", lambda: path.write_bytes(pickle.dumps(Exploit()))
    yield "pickled array", lambda: save_arrays(path, main=np.array([Exploit()], dtype=object))
    yield "bare array", lambda: save_array(path, np.zeros(3))
    yield "bare pickled array", lambda: save_array(path, np.array([Exploit()], dtype=object))
    yield "zip", lambda: save_zip(path)
    yield "other arrays", lambda: save_arrays(path, a=np.zeros(3))
    yield "a list for metadata", lambda: files.write_npz(path, {}, [1, 2])
    yield "another kind", lambda: write_metadata(path, good | {"kind": "pool"})
    yield "another version", lambda: write_metadata(path, good | {"format": 999})
    yield "no tokens", lambda: write_metadata(path, {k: v for k, v in good.items() if k != "tokens"})
    yield "an unknown field", lambda: write_metadata(path, good | {"colour": "red"})
    yield "a grid of another size", lambda: write_metadata(path, good | {"grid": [7, 7]})
    yield "a grid that is a number", lambda: write_metadata(path, good | {"grid": 7})
    yield "a grid of words", lambda: write_metadata(path, good | {"grid": ["two", "three"]})
    yield "tokens that are a number", lambda: write_metadata(path, good | {"tokens": 3})
    yield "folder", lambda: path.mkdir()


@pytest.mark.parametrize("index", range(18))
def test_other_files_are_rejected_and_nothing_is_unpickled(tmp_path, monkeypatch, index):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "e.npz"
    name, write = [*foreign_files(path)][index]
    write()
    with pytest.raises(PoolError):
        Explanation.load(path)
    assert not (tmp_path / "unpickled").exists(), name


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(PoolError, match=r"file .*nowhere\.npz does not exist"):
        Explanation.load(tmp_path / "nowhere.npz")


def test_a_write_that_fails_leaves_the_earlier_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "e.npz"
    earlier = random_explanation(draw=1)
    earlier.save(path)

    def full(stream, **arrays):
        stream.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="No space"):
        random_explanation(draw=2).save(path)
    assert same(Explanation.load(path), earlier)
    assert [*tmp_path.iterdir()] == [path]


def test_the_metadata_is_plain_json(tmp_path):
    random_explanation(similarity=float("nan")).save(tmp_path / "e.npz")
    with np.load(tmp_path / "e.npz", allow_pickle=False) as stored:
        metadata = json.loads(stored["metadata.json"].tobytes(), parse_constant=pytest.fail)
    assert metadata["tokens"] == ["a", "red", "dog"]


def test_subsets_of_all_sizes_agree_with_single_sizes():
    explanation = random_explanation(2, 3, ("a", "b"))
    for sign in (1, -1):
        for size, (players, value) in enumerate(explanation.subsets(sign)):
            assert len(players) == size
            assert value == pytest.approx(explanation.subset(size, sign)[1])
