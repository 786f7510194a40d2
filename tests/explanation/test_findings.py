"""Findings name significant effects (family-wise level 5 %) in whole sentences, and test nothing without errors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fixlip_widgets import Explanation, IncrementalExplainer, VisionLanguageGame
from fixlip_widgets.explanation.comparison import subtract
from fixlip_widgets.explanation.findings import findings
from fixlip_widgets.explanation.significance import degrees_of_freedom, significant
from tests.examples import dog_and_hydrant, random_explanation
from tests.golden import tiny_clip, tiny_pixels


def sentences_for(pairs: dict[tuple[int, int], float], rows: int = 2, columns: int = 3, **fields) -> list[str]:
    """Findings on "a red dog" with 6 patches, in which only ``pairs`` interact; standard errors are 0.1."""
    n = rows * columns + 3
    interactions = np.zeros((n, n))
    for (i, j), value in pairs.items():
        interactions[i, j] = interactions[j, i] = value
    given = {"interactions": interactions, "interactions_se": np.full((n, n), 0.1), **fields}
    return findings(random_explanation(rows, columns, **given))


@pytest.mark.parametrize("m", [10, 1000])
def test_noise_alone_rarely_yields_any_finding(m):
    rng = np.random.default_rng(0)
    false = [significant(rng.normal(size=m), np.ones(m)).any() for _ in range(2000)]
    assert 0.03 < np.mean(false) < 0.07, (
        "the family-wise level is 5 %; separate tests would nearly always find something"
    )


def test_noise_with_errors_from_few_units_rarely_yields_any_finding():
    rng = np.random.default_rng(0)
    taken = {True: 0, False: 0}
    for _ in range(2000):
        ratios = rng.standard_t(8, size=500)
        for known in taken:
            taken[known] += significant(ratios, np.ones(500), np.inf if known else 8.0).any()
    assert 0.03 < taken[False] / 2000 < 0.07
    assert taken[True] > 1500, "treating estimated errors as known nearly always yields false findings"


def test_degrees_of_freedom_count_the_less_frequent_states():
    assert degrees_of_freedom(1000, 0.9, [0, 1, 2]) == pytest.approx([1000, 100, 10])
    assert degrees_of_freedom(1000, 0.1, [0, 1, 2]) == pytest.approx([1000, 100, 10])
    assert degrees_of_freedom(1000, 0.5, 2) == pytest.approx(250)


def test_the_threshold_is_higher_with_fewer_degrees_of_freedom():
    sure = {
        "p": 0.9,
        "effective_image_masks": 1000.0,
    }  # 4 standard errors; 10 degrees of freedom between patches, 100 otherwise
    assert (
        sentences_for({(0, 1): 0.4, (0, 8): 0.4}, **sure)[0]
        == "Patch (1, 1) interacts positively with “dog”; no other interaction is significant."
    )
    assert "“dog” and 1 patch" in sentences_for({(0, 1): 0.4, (0, 8): 0.4}, **sure, method="shapley")[0]
    assert "“dog” and 1 patch" in sentences_for({(0, 1): 0.4, (0, 8): 0.4}, p=0.5, effective_image_masks=8000.0)[0]


def test_holms_procedure():
    z = np.array([2.4, -2.6, 0.1, 2.3])
    # quantiles for 4, 3, 2 remaining: 2.50, 2.39, 2.24
    assert significant(z, np.ones(4)).tolist() == [True, True, False, True]
    assert significant(np.array([2.4, 0.1, 0.1, 2.3]), np.ones(4)).tolist() == [False] * 4
    np.testing.assert_array_equal(significant(3 * z, np.full(4, 3.0)), significant(z, np.ones(4)))


def test_unknown_errors_are_not_tested_and_exact_values_are_significant():
    rejected = significant(np.array([9.0, 2.0, 0.5, 0.0]), np.array([np.nan, 1.0, 0.0, 0.0]))
    assert rejected.tolist() == [False, False, True, False]


def test_a_players_sentence_names_its_partners_by_sign():
    sentences = sentences_for({(0, 8): 2.0, (1, 8): 1.0, (2, 8): -1.0, (7, 8): 1.5})
    assert sentences[8] == (
        "“dog” interacts positively with 2 patches and “red” and negatively with 1 patch; "
        "no other interaction is significant."
    )
    assert sentences[7] == "“red” interacts positively with “dog”; no other interaction is significant."
    assert sentences[0] == "Patch (1, 1) interacts positively with “dog”; no other interaction is significant."
    assert sentences[6] == "No interaction of “a” differs significantly from 0."


def test_text_players_are_counted_as_tokens_or_words():
    n = 2 + 5
    interactions = np.zeros((n, n))
    interactions[0, 2:6] = interactions[2:6, 0] = 2.0
    given = {"interactions": interactions, "interactions_se": np.full((n, n), 0.1), "tokens": tuple("abcde")}
    assert findings(random_explanation(1, 2, **given))[0].startswith("Patch (1, 1) interacts positively with 4 tokens;")
    assert findings(random_explanation(1, 2, words=True, **given))[0].startswith(
        "Patch (1, 1) interacts positively with 4 words;"
    )


def test_one_is_singular():
    sentences = sentences_for({(0, 8): 2.0})
    assert sentences[8] == "“dog” interacts positively with 1 patch; no other interaction is significant."
    assert sentences[-1].startswith(
        "1 patch interacts most with “dog”. 1 of 36 interactions is significant (Holm, family-wise 5 %): 1 positive"
    )


def test_the_last_text_begins_with_the_words_that_the_patches_belong_to():
    """Players 6, 7 and 8 are “a”, “red” and “dog”."""
    strong = {(0, 8): 2.0, (1, 8): 1.0}
    for pairs, start in (
        (strong, "2 patches interact most with “dog”. 2 of 36"),
        (strong | {(2, 6): 1.0, (3, 6): -9.0}, "2 patches interact most with “dog” and 1 with “a”. 4 of 36"),
        (strong | {(0, 7): 1.5}, "2 patches interact most with “dog”. 3 of 36"),
        (strong | {(0, 7): 2.5}, "1 patch interacts most with “red” and 1 with “dog”. 3 of 36"),
        ({(0, 8): 20.0, (1, 8): 10.0, (4, 7): 1.5}, "2 patches interact most with “dog”. 3 of 36"),
        ({(3, 6): -9.0, (6, 8): 5.0}, "2 of 36"),
    ):
        assert sentences_for(pairs)[-1].startswith(start)
    interactions = np.zeros((14, 14))
    for patch, word in enumerate((7, 7, 8, 9, 10, 11, 12)):
        interactions[patch, word] = interactions[word, patch] = 2.0
    many = random_explanation(1, 7, tuple("abcdefg"), interactions=interactions, interactions_se=np.full((14, 14), 0.1))
    assert findings(many)[-1].startswith(
        "2 patches interact most with “a”, 1 with “b”, 1 with “c”, 1 with “d” and 2 with 2 other tokens. 7 of 91"
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
    assert sentences[0] == "Patch (1, 1) interacts positively with 4 tokens."


def test_the_last_text_describes_the_whole_explanation_and_its_fit():
    sentences = sentences_for({(0, 8): 2.0, (1, 2): -1.0}, r2=0.974)
    assert len(sentences) == 10
    assert sentences[-1] == (
        "1 patch interacts most with “dog”. 2 of 36 interactions are significant (Holm, family-wise 5 %): "
        "1 positive, 1 negative; 1 between image and text. The surrogate explains 97 % of the variance over held-out "
        "masks."
    )
    assert "explains more than 99 % of" in sentences_for({}, r2=0.9971)[-1]
    assert sentences_for({(0, 8): 2.0}, r2=-0.1)[-1].startswith(
        "Do not interpret these values: the surrogate predicts held-out masks"
    )


def test_without_significant_interactions_a_larger_budget_is_suggested():
    assert sentences_for({})[-1] == (
        "None of 36 interactions is significant; a larger budget reduces the standard errors."
    )


def test_a_partial_result_begins_with_so_far():
    assert findings(random_explanation(), partial=True)[-1].startswith("So far: ")


def test_without_errors_nothing_is_tested():
    sentences = findings(dog_and_hydrant())
    assert sentences[49 + 1].startswith("“dog” interacts most with patch (")
    assert "significance is not tested" in sentences[-1]
    assert not any("significant" in sentence or "positively" in sentence for sentence in sentences)


def test_without_interactions_there_is_no_strongest():
    sentences = findings(random_explanation(interactions=np.zeros((9, 9)), interactions_se=None))
    assert (sentences[8], sentences[-1]) == ("All interactions of “dog” are zero.", "All 36 interactions are zero.")


def test_untested_interactions_are_not_called_insignificant():
    errors = np.full((9, 9), 0.1)
    errors[:6, :6] = np.nan
    sentences = sentences_for({(0, 8): 2.0}, interactions_se=errors)
    assert sentences[0] == "Patch (1, 1) interacts positively with “dog”; no other tested interaction is significant."
    assert sentences[1] == "No tested interaction of patch (1, 2) differs significantly from 0."
    assert "1 of 21 interactions" in sentences[-1]
    assert " Standard errors of 15 others are unknown." in sentences[-1]
    alone = sentences_for({(0, 8): 2.0}, interactions_se=errors, scope="cross")[-1]
    assert "unknown" not in alone, "within-modality terms were not requested"
    assert "unknown" not in sentences_for({(0, 8): 2.0})[-1]


def test_a_difference_is_described_as_one():
    interactions = np.zeros((9, 9))
    interactions[0, 8] = interactions[8, 0] = -2.0
    explanation = random_explanation(interactions=interactions, interactions_se=np.full((9, 9), 0.1))
    sentences = findings(explanation, difference=True)
    assert sentences[8] == "“dog” interacts less with 1 patch; no other interaction differs significantly."
    assert sentences[7] == "No interaction of “red” differs significantly."
    assert "1 of 36 differences of interactions is" in sentences[-1]


def test_first_order_values_are_reported_with_their_errors():
    main = np.array([0.01, 0, 0, 0, 0, 0, 0, -0.5, 2.0])
    zero = np.zeros((9, 9))
    shared = {"order": 1, "interactions": zero, "main": main, "interactions_se": None}
    sentences = findings(random_explanation(main_se=np.full(9, 0.05), **shared))
    assert sentences[8] == "“dog” raises the similarity by 2.00 ± 0.050."
    assert sentences[7] == "“red” lowers the similarity by 0.50 ± 0.050."
    assert sentences[0] == "The value of patch (1, 1) is not significant: +0.010 ± 0.050."
    assert sentences[-1].startswith("2 of 9 values are significant (Holm, family-wise 5 %).")
    unknown = findings(random_explanation(main_se=None, **shared))
    assert (unknown[8], unknown[7]) == ("“dog”: +2.00.", "“red”: −0.50.")
    assert "significance is not tested" in unknown[-1]


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


def test_rounding_errors_of_the_encoders_are_not_significant():
    blank = torch.zeros_like(tiny_pixels())  # removing a patch changes only the order of additions
    some, single = enumerated(5, blank), enumerated(1, blank)
    assert (some.interactions_se == 0).all(), "every mask is encoded"
    residue = some.interactions.copy()
    residue[0, -1] = residue[-1, 0] = 3e-8  # observed with another batch size
    rounded = some.replace(interactions=residue)
    for explanation in (some, single, rounded):
        assert np.abs(explanation.interactions[: explanation.n_image]).max() < 1e-6 * abs(explanation.similarity)
        assert findings(explanation)[-1].endswith(("0 between image and text.", "reduces the standard errors."))
        for sentence in findings(explanation)[: explanation.n_image]:
            assert sentence.startswith("No interaction of patch")
        edges = explanation.to_networkx(None, kind="cross").edges(data=True)
        assert not any(edge["significant"] for _, _, edge in edges)
    compared = subtract(enumerated(5, tiny_pixels()), enumerated(1, tiny_pixels())).explanation
    assert findings(compared, difference=True)[-1].startswith("None of")


def test_a_large_residual_is_said_beside_the_fit():
    explanation = random_explanation(r2=0.9, empty_similarity=0.0)
    predicted = float(explanation.predict(np.ones((1, 9), dtype=bool))[0])
    fitting = explanation.replace(similarity=predicted + 10, empty_similarity=predicted - 95)
    assert findings(fitting)[-1].endswith("explains 90 % of the variance over held-out masks.")
    above = explanation.replace(similarity=predicted + 10, empty_similarity=predicted - 85)
    assert findings(above)[-1].endswith("masks; for the complete pair it is 10.0 logits below the similarity.")
    below = explanation.replace(similarity=predicted - 10, empty_similarity=predicted)
    assert findings(below)[-1].endswith("masks; for the complete pair it is 10.0 logits above the similarity.")
    unitless = explanation.replace(method="random", similarity=predicted + 10)
    assert "complete pair" not in findings(unitless)[-1]
