import copy
import pickle

import numpy as np
import pytest
import torch

from fixlip_widgets import EncodingError, InputError, ModelError, VisionLanguageGame, load_model
from fixlip_widgets.estimators import fit_joint
from tests.golden import DATA, load, tiny_clip, tiny_game, tiny_pixels


@pytest.mark.parametrize("caption", [0, 1])
@pytest.mark.parametrize("given_as", ["text", "token ids"])
def test_values_equal_the_research_code(caption, given_as):
    golden = load("tiny_clip_expected")
    ids = torch.tensor(golden[f"caption{caption}_input_ids"])
    text = str(golden["captions"][caption]) if given_as == "text" else ids
    game = VisionLanguageGame(tiny_clip(), tiny_pixels(), text)
    values = game.values(golden[f"caption{caption}_image_masks"], golden[f"caption{caption}_text_masks"])
    np.testing.assert_allclose(values, golden[f"caption{caption}_values"], atol=1e-4)


def test_everything_kept_is_the_models_own_similarity():
    model, game = tiny_clip(), tiny_game()
    with torch.inference_mode():
        logits, _ = model.clip.get_logits(tiny_pixels()[None], model.tokenizer([game.caption]))
    assert game.similarity == pytest.approx(float(logits), abs=1e-5)


def test_joint_values_are_entries_of_the_matrix():
    game, random = tiny_game(), np.random.default_rng(0)
    masks = random.random((20, game.n_players)) < 0.5
    matrix = game.values(masks[:, : game.n_image], masks[:, game.n_image :])
    np.testing.assert_allclose(game.value(masks), np.diag(matrix), atol=1e-5)


@pytest.mark.parametrize("grid", [(2, 2), (4, 4), (4, 2)])
def test_masking_patch_embeddings_equals_masking_pixels(grid):
    game, random = tiny_game(grid=grid), np.random.default_rng(1)
    masks = random.random((16, game.n_image)) < 0.5
    pixels = tiny_pixels()
    rows, columns = grid
    height, width = pixels.shape[1] // rows, pixels.shape[2] // columns
    big = np.kron(masks.reshape(-1, rows, columns), np.ones((1, height, width)))
    with torch.inference_mode():
        expected = tiny_clip().clip.encode_image(pixels * torch.tensor(big[:, None]).float(), normalize=True)
    np.testing.assert_allclose(game.image_embeddings(masks).numpy(), expected.numpy(), atol=2e-6)


def test_a_grid_that_does_not_divide_the_patches_masks_pixels():
    game = tiny_game(grid=(3, 5))
    assert game.image_embeddings(np.ones((1, 15))).shape == (1, 48)
    assert game.similarity == pytest.approx(tiny_game().similarity, abs=1e-5)


def test_a_hidden_token_cannot_influence_the_embedding():
    game = tiny_game()
    masks = np.ones((1, game.n_text), dtype=bool)
    masks[0, 2] = False
    before = game.text_embeddings(masks)
    tower = game.text_tower
    tower._tokens = tower._tokens.clone()
    tower._tokens[3] += 10.0  # position 3 is player 2: the start token comes first
    assert torch.equal(game.text_embeddings(masks), before)
    assert not torch.allclose(game.text_embeddings(~masks), tiny_game().text_embeddings(~masks))


def test_each_distinct_mask_is_encoded_once():
    game = tiny_game()
    seen = []
    encode = game.image_tower.encode
    game.image_tower.encode = lambda masks: (seen.append(len(masks)), encode(masks))[1]
    masks = np.repeat(np.eye(game.n_image, dtype=bool)[:3], 50, axis=0)
    embeddings = game.image_embeddings(masks)
    assert sum(seen) == 3
    assert embeddings.shape == (150, 48)
    assert torch.equal(embeddings[0], embeddings[49])


@pytest.mark.parametrize("masks", [np.full((1, 24), 0.5), np.full((1, 24), np.nan), np.full((1, 24), 2)])
def test_non_binary_masks_are_rejected(masks):
    with pytest.raises(InputError, match="must contain only True and False"):
        tiny_game().value(masks)
    with pytest.raises(InputError, match="must contain only True and False"):
        fit_joint(masks, np.ones(1))


def test_batches_do_not_change_the_result():
    masks = np.random.default_rng(0).random((30, 16)) < 0.5
    np.testing.assert_allclose(
        tiny_game(batch_size=7).image_embeddings(masks).numpy(), tiny_game().image_embeddings(masks).numpy(), atol=1e-6
    )


def test_running_out_of_memory_halves_the_batch_and_goes_on():
    game = tiny_game(batch_size=16)
    encode = game.image_tower.encode

    def limited(masks):
        if len(masks) > 5:
            raise torch.OutOfMemoryError("no memory")
        return encode(masks)

    masks = np.random.default_rng(0).random((20, 16)) < 0.5
    expected = game.image_embeddings(masks)
    game.image_tower.encode = limited
    torch.testing.assert_close(game.image_embeddings(masks), expected, atol=1e-6, rtol=0)
    assert game.batch.size == 4


def test_embeddings_that_are_not_finite_name_tower_and_mask():
    game = tiny_game()
    encode = game.image_tower.encode
    game.image_tower.encode = lambda masks: torch.where(masks[:, :1], encode(masks), torch.nan)
    masks = np.ones((3, 16), dtype=bool)
    masks[1, [0, 2]] = False
    with pytest.raises(EncodingError, match=r"image encoder .*\[1, 3, 4"):
        game.image_embeddings(masks)


@pytest.mark.parametrize(
    ("caption", "message"),
    [
        ("", "empty"),
        ("  \n ", "empty"),
        ("dog " * 76, "76 tokens; this model reads at most 75"),
        ("half \ud83d", r"'half \\ud83d' contains half of a character"),
        (7, "is a int"),
        (torch.tensor([49406, 320]), "token ids"),
        (torch.tensor([320, 320, 49407]), "must begin with"),
        (torch.tensor([49406, 99999, 49407]), "range"),
        (torch.tensor([0.5, 1.0, 2.0]), "token ids"),
    ],
)
def test_a_caption_that_cannot_be_read_is_refused(caption, message):
    with pytest.raises(InputError, match=message):
        VisionLanguageGame(tiny_clip(), tiny_pixels(), caption)


def test_the_longest_caption_is_taken_whole():
    assert VisionLanguageGame(tiny_clip(), tiny_pixels(), "dog " * 75).n_text == 75


def test_a_token_of_the_padding_id_is_still_a_player():
    assert VisionLanguageGame(tiny_clip(), tiny_pixels(), "a dog!").tokens == ("a", "dog", "!")


def test_bytes_of_a_partial_character_are_shown_readably():
    tokens = VisionLanguageGame(tiny_clip(), tiny_pixels(), "𒀀").tokens
    assert all(token and "\ufffd" not in token for token in tokens)


@pytest.mark.parametrize(
    "caption",
    [
        "собака и кошка",
        "狗和猫",
        "कुत्ता और बिल्ली",
        "כלב וחתול",
        "a dog 🐕 and 👨\u200d👩\u200d👧",
        "naïve café",
        "ﬁsh & chips",
        "Ⅷ ½ ①",
        "a\u200bb",
    ],
)
def test_captions_in_any_script_have_readable_tokens(caption):
    game = VisionLanguageGame(tiny_clip(), tiny_pixels(), caption)
    assert np.isfinite(game.similarity)
    assert all(any(map(str.isprintable, token.strip())) and "\ufffd" not in token for token in game.tokens)
    words = VisionLanguageGame(tiny_clip(), tiny_pixels(), caption, words=True)
    assert words.n_text == len(tiny_clip().tokenizer.clean_fn(caption).split())
    assert " ".join(words.tokens) == " ".join(tiny_clip().tokenizer.clean_fn(caption).split())


def test_bidirectional_controls_are_shown_as_code_points():
    words = VisionLanguageGame(tiny_clip(), tiny_pixels(), "a \u202edog", words=True)
    assert words.tokens == ("a", "<U+202E>dog")


def test_a_word_is_removed_with_all_its_tokens():
    caption = "an antidisestablishmentarian dog's breakfast, obviously"
    words, tokens = (VisionLanguageGame(tiny_clip(), tiny_pixels(), caption, words=each) for each in (True, False))
    assert words.tokens == ("an", "antidisestablishmentarian", "dog's", "breakfast,", "obviously")
    assert tokens.n_text > words.n_text
    lengths = [1, tokens.n_text - 6, 2, 2, 1]
    masks = np.random.default_rng(0).random((8, 5)) < 0.5
    expected = tokens.text_embeddings(np.repeat(masks, lengths, axis=1))
    np.testing.assert_allclose(words.text_embeddings(masks), expected, atol=1e-6)


def test_a_model_that_has_moved_to_another_device_is_named():
    model = load_model(DATA / "tiny_clip.json", pretrained=False, device="cpu")
    game = VisionLanguageGame(model, tiny_pixels(), "a cat")
    model.clip.to("meta")
    with pytest.raises(EncodingError, match=r"on meta now, but .* prepared on cpu"):
        game.similarity  # noqa: B018


@pytest.mark.parametrize(
    "said",
    [
        torch.OutOfMemoryError("CUDA"),
        RuntimeError("DefaultCPUAllocator: not enough memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"),
    ],
)
def test_a_device_without_room_for_one_mask_is_named(said):
    game = tiny_game()

    def full(_):
        raise said

    game.image_tower.encode = full
    with pytest.raises(EncodingError, match="cpu has too little memory for a single mask of the image enc") as raised:
        game.image_embeddings(np.ones((3, 16)))
    assert raised.value.__cause__ is said
    assert said.__traceback__ is None  # its frames would hold the run's activations


def test_overflow_in_half_precision_is_named():
    model = load_model(DATA / "tiny_clip.json", pretrained=False, device="cpu", precision="float16")
    with torch.no_grad():
        model.clip.visual.transformer.resblocks[0].mlp.c_proj.weight.fill_(6e4)
    with pytest.raises(EncodingError, match=r"float16 holds numbers up to 65,504 only.*precision='bfloat16'"):
        VisionLanguageGame(model, tiny_pixels(), "a cat")


def test_a_model_that_was_changed_after_its_game_was_made_is_named():
    model = load_model(DATA / "tiny_clip.json", pretrained=False, device="cpu")
    game = VisionLanguageGame(model, tiny_pixels(), "a cat")
    before = game.image_embeddings(np.ones((1, 16)))
    model.clip.visual.transformer.train()
    with pytest.raises(EncodingError, match=r"training mode.*call its eval"):
        game.image_embeddings(np.ones((1, 16)))
    model.clip.eval()
    torch.testing.assert_close(game.image_embeddings(np.ones((1, 16))), before)
    model.clip.half()
    with pytest.raises(EncodingError, match=r"is in torch.float16 now, but .* prepared in torch.float32"):
        game.text_embeddings(np.ones((1, 2)))


def test_a_similarity_without_scale_is_refused():
    for name in ("logit_scale", "logit_bias"):
        model = load_model(DATA / "tiny_clip.json", pretrained=False, device="cpu")
        setattr(model.clip, name, torch.nn.Parameter(torch.tensor(torch.nan)))
        with pytest.raises(ModelError, match=r"scale .* bias .* not finite"):
            VisionLanguageGame(model, tiny_pixels(), "a cat")


@pytest.mark.parametrize("size", [0, -3, 2.5, "a", True])
def test_an_invalid_batch_size_is_rejected(size):
    with pytest.raises(InputError, match="The batch size is"):
        tiny_game(batch_size=size)


@pytest.mark.parametrize("grid", [(0, 3), (65, 2), 4, "4x4", (), (4,), (3, 3, 3), (2.5, 3)])
def test_a_grid_that_does_not_fit_is_refused(grid):
    with pytest.raises(InputError, match="grid"):
        tiny_game(grid=grid)


def test_a_grid_may_be_an_array():
    assert tiny_game(grid=np.array([2, 4])).grid == (2, 4)


def test_another_image_or_caption_updates_the_extremes():
    game = tiny_game()
    before = game.similarity
    game.set_text("a cat")
    assert game.similarity == pytest.approx(tiny_game(1).similarity)
    game.set_image(torch.zeros_like(tiny_pixels()))
    assert game.similarity not in (before, tiny_game(1).similarity)


SIGLIP = {
    "embed_dim": 192,
    "init_logit_bias": -10,
    "custom_text": True,
    "vision_cfg": {
        "image_size": 224,
        "timm_model_name": "vit_tiny_patch16_224",
        "timm_pool": "map",
        "timm_proj": "none",
    },
    "text_cfg": {
        "context_length": 16,
        "width": 32,
        "heads": 2,
        "layers": 2,
        "no_causal_mask": True,
        "proj_bias": True,
        "pool_type": "last",
        "norm_kwargs": {"eps": 1e-6},
    },
}


def test_a_siglip_like_model_keeps_its_padding_visible_and_its_bias():
    torch.manual_seed(0)
    model = load_model(SIGLIP, pretrained=False, device="cpu")
    game = VisionLanguageGame(model, torch.randn(3, 224, 224), "a dog and a cat")
    with torch.inference_mode():
        logits, _ = model.clip.get_logits(game.pixels[None], model.tokenizer([game.caption]))
    assert game.bias == -10
    assert game.grid == (14, 14)
    assert game.similarity == pytest.approx(float(logits), abs=1e-5)
    tower, nothing = game.text_tower, np.zeros((1, game.n_text), dtype=bool)
    before = game.text_embeddings(nothing)
    tower._tokens = tower._tokens.clone()
    tower._tokens[1 : 1 + game.n_text] += 10.0
    assert torch.equal(game.text_embeddings(nothing), before)
    tower._tokens[-2] += 10.0  # padding
    assert not torch.allclose(game.text_embeddings(nothing), before)


def test_a_copy_is_current_exactly_if_its_original_is():
    model = copy.deepcopy(tiny_clip())
    game = VisionLanguageGame(model, tiny_pixels(), "a dog")
    for copied in (copy.copy(game), copy.deepcopy(game), pickle.loads(pickle.dumps(game))):  # noqa: S301
        assert copied.value(np.ones((1, game.n_players))) == pytest.approx(game.similarity, abs=1e-5)
    with torch.no_grad():
        model.clip.visual.proj.mul_(2)
    for copied in (copy.copy(game), copy.deepcopy(game), pickle.loads(pickle.dumps(game))):  # noqa: S301
        with pytest.raises(EncodingError, match="have changed"):
            copied.image_embeddings(np.ones((1, game.n_image)))
