"""Findings say what the numbers support: family-wise, in whole sentences, and nothing where errors are unknown."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fixlip_widgets import Explanation, IncrementalExplainer, VisionLanguageGame
from fixlip_widgets.explanation.comparison import subtract
from fixlip_widgets.explanation.findings import beyond_noise, degrees_of_freedom, findings
from tests.examples import dog_and_hydrant, random_explanation
from tests.golden import tiny_clip, tiny_pixels


def told(ties: dict[tuple[int, int], float], rows: int = 2, columns: int = 3, **fields) -> list[str]:
    """Findings on "a red dog" with 6 patches, where only ``ties`` are far beyond errors of 0.1."""
    n = rows * columns + 3
    interactions = np.zeros((n, n))
    for (i, j), value in ties.items():
        interactions[i, j] = interactions[j, i] = value
    given = {"interactions": interactions, "interactions_se": np.full((n, n), 0.1), **fields}
    return findings(random_explanation(rows, columns, **given))


@pytest.mark.parametrize("m", [10, 1000])
def test_noise_alone_rarely_brings_any_finding(m):
    rng = np.random.default_rng(0)
    false = [beyond_noise(rng.normal(size=m), np.ones(m)).any() for _ in range(2000)]
    assert 0.03 < np.mean(false) < 0.07, "the family-wise level is 5 %; one by one it would be nearly always"


def test_noise_whose_errors_are_estimated_from_few_units_rarely_brings_any_finding():
    rng = np.random.default_rng(0)
    taken = {True: 0, False: 0}
    for _ in range(2000):
        ratios = rng.standard_t(8, size=500)
        for known in taken:
            taken[known] += beyond_noise(ratios, np.ones(500), np.inf if known else 8.0).any()
    assert 0.03 < taken[False] / 2000 < 0.07
    assert taken[True] > 1500, "errors that are taken for known bring false findings nearly always"


def test_errors_are_known_as_well_as_the_rarer_states_are_seen():
    assert degrees_of_freedom(1000, 0.9, [0, 1, 2]) == pytest.approx([1000, 100, 10])
    assert degrees_of_freedom(1000, 0.1, [0, 1, 2]) == pytest.approx([1000, 100, 10])
    assert degrees_of_freedom(1000, 0.5, 2) == pytest.approx(250)


def test_a_sentence_needs_more_where_fewer_masks_tell_of_it():
    sure = {"p": 0.9, "effective_image_masks": 1000.0}  # 4 errors: 10 degrees of freedom between patches, 100 beside
    assert told({(0, 1): 0.4, (0, 8): 0.4}, **sure)[0] == "Patch (1, 1) binds to “dog”; the rest is within the noise."
    assert "“dog” and 1 patch" in told({(0, 1): 0.4, (0, 8): 0.4}, **sure, method="shapley")[0]
    assert "“dog” and 1 patch" in told({(0, 1): 0.4, (0, 8): 0.4}, p=0.5, effective_image_masks=8000.0)[0]


def test_it_is_holms_procedure():
    z = np.array([2.4, -2.6, 0.1, 2.3])
    # quantiles for 4, 3, 2 left: 2.50, 2.39, 2.24
    assert beyond_noise(z, np.ones(4)).tolist() == [True, True, False, True]
    assert beyond_noise(np.array([2.4, 0.1, 0.1, 2.3]), np.ones(4)).tolist() == [False] * 4
    np.testing.assert_array_equal(beyond_noise(3 * z, np.full(4, 3.0)), beyond_noise(z, np.ones(4)))


def test_unknown_errors_are_not_tested_and_exact_values_are_certain():
    found = beyond_noise(np.array([9.0, 2.0, 0.5, 0.0]), np.array([np.nan, 1.0, 0.0, 0.0]))
    assert found.tolist() == [False, False, True, False]


def test_a_word_is_told_what_it_binds_to():
    sentences = told({(0, 8): 2.0, (1, 8): 1.0, (2, 8): -1.0, (7, 8): 1.5})
    assert (
        sentences[8]
        == "“dog” binds to 2 patches and “red” and repeats or contradicts 1 patch; the rest is within the noise."
    )
    assert sentences[7] == "“red” binds to “dog”; the rest is within the noise."
    assert sentences[0] == "Patch (1, 1) binds to “dog”; the rest is within the noise."
    assert sentences[6] == "Nothing that “a” does with others is beyond the noise."


def test_many_text_players_are_counted_as_what_they_are():
    n = 2 + 5
    interactions = np.zeros((n, n))
    interactions[0, 2:6] = interactions[2:6, 0] = 2.0
    given = {"interactions": interactions, "interactions_se": np.full((n, n), 0.1), "tokens": tuple("abcde")}
    assert findings(random_explanation(1, 2, **given))[0].startswith("Patch (1, 1) binds to 4 tokens;")
    assert findings(random_explanation(1, 2, words=True, **given))[0].startswith("Patch (1, 1) binds to 4 words;")


def test_one_is_singular():
    sentences = told({(0, 8): 2.0})
    assert sentences[8] == "“dog” binds to 1 patch; the rest is within the noise."
    assert sentences[-1].startswith(
        "“dog” binds to 1 patch. 1 of 36 interactions is beyond the noise (95 % for all of them together): 1 positive"
    )


def test_the_whole_begins_with_the_words_that_bind_most_to_the_picture():
    """Players 6, 7 and 8 are “a”, “red” and “dog”."""
    strong, weak = {(0, 8): 2.0, (1, 8): 1.0}, {(2, 6): 1.0, (3, 6): -9.0}
    for ties, said in (
        (strong, "“dog” binds to 2 patches. 2 of 36"),
        (strong | weak, "“dog” binds to 2 patches; 1 other token binds less. 4 of 36"),
        (strong | {(4, 7): 1.5}, "“dog” binds to 2 patches and “red” to 1. 3 of 36"),
        (strong | {(4, 7): 4.0}, "“red” binds to 1 patch and “dog” to 2. 3 of 36"),
        ({(3, 6): -9.0, (6, 8): 5.0}, "2 of 36"),
    ):
        assert told(ties)[-1].startswith(said)
    interactions = np.zeros((8, 8))
    interactions[0, 1:] = interactions[1:, 0] = 2.0
    many = random_explanation(1, 1, tuple("abcdefg"), interactions=interactions, interactions_se=np.full((8, 8), 0.1))
    assert findings(many)[-1].startswith(
        "“a” binds to 1 patch, “b” to 1, “c” to 1 and “d” to 1; 3 other tokens bind too."
    )


def test_many_words_are_counted():
    sentences = findings(
        random_explanation(
            1,
            1,
            ("a", "b", "c", "d"),
            interactions=np.pad(np.full((1, 4), 5.0), ((0, 4), (1, 0)))
            + np.pad(np.full((4, 1), 5.0), ((1, 0), (0, 4))),
            interactions_se=np.full((5, 5), 0.1),
        )
    )
    assert sentences[0] == "Patch (1, 1) binds to 4 tokens."


def test_the_whole_is_told_last_with_its_fit():
    sentences = told({(0, 8): 2.0, (1, 2): -1.0}, r2=0.974)
    assert len(sentences) == 10
    assert sentences[-1] == (
        "“dog” binds to 1 patch. 2 of 36 interactions are beyond the noise (95 % for all of them together): "
        "1 positive, 1 negative; 1 between image and text. The surrogate explains 97 % of the variance over masks that "
        "it was not fitted to."
    )
    assert "explains more than 99 % of" in told({}, r2=0.9971)[-1]
    assert told({(0, 8): 2.0}, r2=-0.1)[-1].startswith("Read nothing into this: the surrogate predicts masks")


def test_nothing_found_is_no_claim_that_there_is_nothing():
    assert told({})[-1] == "None of 36 interactions is beyond the noise; more budget narrows it."


def test_a_partial_result_says_so():
    assert findings(random_explanation(), partial=True)[-1].startswith("So far: ")


def test_without_errors_only_numbers_are_told():
    sentences = findings(dog_and_hydrant())
    assert sentences[49 + 1].startswith("“dog” interacts most with patch (")
    assert "nothing can be said about the noise" in sentences[-1]
    assert not any("beyond the noise" in sentence or "binds" in sentence for sentence in sentences)


def test_without_interactions_there_is_no_strongest():
    sentences = findings(random_explanation(interactions=np.zeros((9, 9)), interactions_se=None))
    assert (sentences[8], sentences[-1]) == ("“dog” interacts with nothing.", "All of 36 interactions are zero.")


def test_what_is_partly_unknown_is_not_called_noise():
    errors = np.full((9, 9), 0.1)
    errors[:6, :6] = np.nan
    sentences = told({(0, 8): 2.0}, interactions_se=errors)
    assert sentences[0] == "Patch (1, 1) binds to “dog”; the rest is within the noise or not known."
    assert sentences[1].startswith("As far as it is known, nothing that patch (1, 2) does")
    assert "1 of 21 interactions" in sentences[-1]
    assert " Of 15 others the standard errors are not known." in sentences[-1]
    alone = told({(0, 8): 2.0}, interactions_se=errors, scope="cross")[-1]
    assert "not known" not in alone, "what was not asked for is not missed"
    assert "not known" not in told({(0, 8): 2.0})[-1]


def test_a_difference_is_told_as_one():
    interactions = np.zeros((9, 9))
    interactions[0, 8] = interactions[8, 0] = -2.0
    explanation = random_explanation(interactions=interactions, interactions_se=np.full((9, 9), 0.1))
    sentences = findings(explanation, difference=True)
    assert sentences[8] == "“dog” interacts less with 1 patch; the rest is within the noise."
    assert "1 of 36 differences of interactions is" in sentences[-1]


def test_first_order_values_are_told_with_their_errors():
    main = np.array([0.01, 0, 0, 0, 0, 0, 0, -0.5, 2.0])
    zero = np.zeros((9, 9))
    shared = {"order": 1, "interactions": zero, "main": main, "interactions_se": None}
    sentences = findings(random_explanation(main_se=np.full(9, 0.05), **shared))
    assert sentences[8] == "“dog” raises the similarity by 2.00 ± 0.050."
    assert sentences[7] == "“red” lowers the similarity by 0.50 ± 0.050."
    assert sentences[0] == "Patch (1, 1) is within the noise: +0.010 ± 0.050."
    assert sentences[-1].startswith("2 of 9 values are beyond the noise")
    unknown = findings(random_explanation(main_se=None, **shared))
    assert (unknown[8], unknown[7]) == ("“dog”: +2.00.", "“red”: −0.50.")
    assert "nothing can be said about the noise" in unknown[-1]


def test_every_sentence_is_whole():
    for explanation in (
        random_explanation(),
        dog_and_hydrant(),
        random_explanation(main_se=None, interactions_se=None),
    ):
        for sentence in findings(explanation):
            assert sentence[0] in "“" or not sentence[0].islower()
            assert sentence.endswith(".")


def enumerated(batch_size: int, pixels: torch.Tensor) -> Explanation:
    game = VisionLanguageGame(tiny_clip(), pixels, "a dog", grid=(2, 3), batch_size=batch_size)
    explainer = IncrementalExplainer(game)
    explainer.extend(0.5, 2**12)
    return explainer.explanation()


def test_rounding_of_the_encoders_is_no_interaction():
    blank = torch.zeros_like(tiny_pixels())  # removing a patch of it changes nothing but the order of additions
    some, single = enumerated(5, blank), enumerated(1, blank)
    assert (some.interactions_se == 0).all(), "every mask is encoded"
    left = some.interactions.copy()
    left[0, -1] = left[-1, 0] = 3e-8  # as another batch size was seen to leave
    rounded = some.replace(interactions=left)
    for explanation in (some, single, rounded):
        assert np.abs(explanation.interactions[: explanation.n_image]).max() < 1e-6 * abs(explanation.similarity)
        assert findings(explanation)[-1].endswith(("0 between image and text.", "more budget narrows it."))
        for sentence in findings(explanation)[: explanation.n_image]:
            assert sentence.startswith("Nothing that patch")
        edges = explanation.to_networkx(None, kind="cross").edges(data=True)
        assert not any(edge["certain"] for _, _, edge in edges)
    compared = subtract(enumerated(5, tiny_pixels()), enumerated(1, tiny_pixels())).explanation
    assert findings(compared, difference=True)[-1].startswith("None of")
