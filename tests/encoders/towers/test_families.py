import pytest

from fixlip_widgets.encoders.towers import patches_of
from fixlip_widgets.explainers.own_forward import distance
from tests.encoders.towers import properties
from tests.encoders.towers.families import CONFIGS, WITHOUT_PATCHES, game, model

FAMILIES = list(CONFIGS)


@pytest.mark.parametrize("family", FAMILIES)
def test_everything_kept_is_the_models_own_forward_pass(family):
    properties.everything_kept_is_the_models_own(game(model(family)))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_order_and_company_of_masks_change_nothing(family):
    properties.the_order_of_masks_changes_nothing(game(model(family)))


@pytest.mark.parametrize("family", FAMILIES)
def test_masking_after_the_patch_embedding_equals_masking_pixels(family):
    properties.masking_embeddings_is_masking_pixels(game(model(family)))


@pytest.mark.parametrize("family", FAMILIES)
def test_removed_pixels_cannot_influence_the_embedding(family):
    properties.removed_pixels_have_no_gradient(game(model(family)))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_hidden_token_cannot_influence_the_embedding(family):
    properties.hidden_tokens_have_no_gradient(game(model(family)))


@pytest.mark.parametrize("family", FAMILIES)
def test_encoders_without_patches_get_a_grid_in_pixels(family):
    loaded = model(family)
    assert (patches_of(loaded.clip) is None) == (family in WITHOUT_PATCHES)
    assert game(loaded).grid == ((7, 7) if family in WITHOUT_PATCHES else loaded.patch_grid)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_complete_pair_differs_from_the_models_own_by_rounding_of_float32(family):
    for caption in ("a dog and a red cat", "cat"):
        made = game(model(family), caption)
        for modality, own in made._own.items():
            assert distance(made._complete[modality], own) < 1e-6
