import copy

import numpy as np
import pytest
import torch

from fixlip_widgets import InputError, ModelError, load_model
from tests.encoders.towers import properties
from tests.encoders.towers.families import (
    DECODER,
    SIGLIP_TEXT,
    TEXT,
    VISION,
    config,
    game,
    sharpened,
    write_bpe_tokenizer,
    write_sentencepiece_tokenizer,
    write_wordpiece_tokenizer,
)

transformers = pytest.importorskip("transformers")

SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "vocab_size": 300,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
}
CONFIGS = {
    "RoBERTa": lambda: transformers.RobertaConfig(**SMALL, max_position_embeddings=40),
    "XLM-R": lambda: transformers.XLMRobertaConfig(**SMALL, max_position_embeddings=40),
    "mT5": lambda: transformers.MT5Config(
        d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2, vocab_size=300, pad_token_id=1, eos_token_id=2
    ),
    "M2M100": lambda: transformers.M2M100Config(
        d_model=32,
        encoder_layers=2,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        vocab_size=300,
        max_position_embeddings=40,
        pad_token_id=1,
        eos_token_id=2,
    ),
}
POOLERS = {"mT5": "mean_pooler", "M2M100": "cls_pooler", "RoBERTa": "mean_pooler", "XLM-R": "cls_pooler"}


def text_config(folder, family, **more):
    CONFIGS[family]().save_pretrained(folder)
    write_bpe_tokenizer(folder)
    return {
        "context_length": 24,
        "hf_model_name": str(folder),
        "hf_tokenizer_name": str(folder),
        "hf_pooler_type": POOLERS[family],
        "hf_proj_type": "linear",
    } | more


def hf_game(folder, family, vision=VISION, **more):
    torch.manual_seed(0)
    settings = config(vision, text_config(folder, family, output_tokens="multimodal_cfg" in more), **more)
    return game(sharpened(load_model(settings, pretrained=False, device="cpu")))


@pytest.mark.parametrize("family", CONFIGS)
def test_text_encoders_of_transformers_are_supported(family, tmp_path):
    pair = hf_game(tmp_path, family)
    assert "".join(pair.tokens) == "adogandaredcat"
    properties.everything_kept_is_the_models_own(pair)
    properties.hidden_tokens_have_no_gradient(pair)
    properties.the_order_of_masks_changes_nothing(pair)


def test_coca_with_a_text_encoder_of_transformers(tmp_path):
    pair = hf_game(tmp_path, "RoBERTa", VISION | {"output_tokens": True}, custom_text=True, **DECODER)
    properties.everything_kept_is_the_models_own(pair)
    properties.hidden_tokens_have_no_gradient(pair)


def test_a_text_encoder_that_pools_by_maximum_is_refused(tmp_path):
    settings = config(text=text_config(tmp_path, "RoBERTa", hf_pooler_type="max_pooler"))
    with pytest.raises(ModelError, match="must pool by mean"):
        game(load_model(settings, pretrained=False, device="cpu"))


@pytest.fixture
def siglip_like(tmp_path):
    write_sentencepiece_tokenizer(tmp_path)
    text = SIGLIP_TEXT | {
        "vocab_size": 300,
        "hf_tokenizer_name": str(tmp_path),
        "tokenizer_kwargs": {"clean": "canonicalize"},
    }
    torch.manual_seed(0)
    settings = config(text=text, custom_text=True, init_logit_bias=-10)
    return sharpened(load_model(settings, pretrained=False, device="cpu"))


def test_with_a_sentencepiece_tokenizer_only_caption_tokens_are_players(siglip_like):
    pair = game(siglip_like, "A dog and a red cat.")
    assert pair.tokens == ("a", "dog", "and", "a", "red", "cat")
    properties.everything_kept_is_the_models_own(pair)
    properties.hidden_tokens_have_no_gradient(pair)
    assert not np.allclose(pair.text_embeddings(np.zeros((1, 6))), pair.text_embeddings(np.ones((1, 6))))


def test_a_characters_bytes_are_shown_in_hexadecimal(siglip_like):
    pair = game(siglip_like, "a dog 🐕")
    assert pair.tokens[:2] == ("a", "dog")
    assert [token for token in pair.tokens if token.startswith("<")] == ["<f0>", "<9f>", "<90>", "<95>"]
    assert game(siglip_like, "a dog 🐕", words=True).tokens == ("a", "dog", "🐕")


def test_names_of_byte_level_tokens_contain_no_byte_symbols(tmp_path):
    model = hf_game(tmp_path, "RoBERTa").model
    pair = game(model, "café 🐕")
    assert not any(symbol in "".join(pair.tokens) for symbol in "ĠÃ©ð\ufffd")
    assert game(model, "café 🐕", words=True).tokens == ("café", "🐕")


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("a café in the park", ("a", "cafe", "in", "the", "park")),
        ("a 🐕 and dogs", ("a", "[UNK]", "and", "dogs")),
    ],
)
def test_words_are_found_if_the_tokenizer_rewrites_the_text(caption, words, tmp_path):
    write_wordpiece_tokenizer(tmp_path)
    text = TEXT | {"vocab_size": 20, "hf_tokenizer_name": str(tmp_path), "pool_type": "last"}
    model = load_model(config(text=text, custom_text=True), pretrained=False, device="cpu")
    assert game(model, caption, words=True).tokens == words


def test_padding_on_the_left_is_no_player(siglip_like):
    ahead = copy.deepcopy(siglip_like)
    ahead.tokenizer.tokenizer.padding_side = "left"
    pair = game(ahead, "a dog and a red cat")
    assert pair.tokens == ("a", "dog", "and", "a", "red", "cat")
    assert int(ahead.tokenizer(["a dog"])[0, 0]) == ahead.tokenizer.tokenizer.pad_token_id
    properties.everything_kept_is_the_models_own(pair)
    properties.hidden_tokens_have_no_gradient(pair)


def test_padding_tokens_in_the_caption_stay_hidden(tmp_path):
    pair = game(hf_game(tmp_path, "RoBERTa").model, "a dog<pad> and a cat")
    assert "<pad>" in pair.tokens
    properties.everything_kept_is_the_models_own(pair)


def test_ids_of_only_padding_are_refused(siglip_like):
    with pytest.raises(InputError, match="only start, end and padding"):
        game(siglip_like, torch.zeros(5, dtype=torch.long))


def test_a_caption_that_is_too_long_is_refused(siglip_like):
    with pytest.raises(InputError, match="this model reads at most 15"):
        game(siglip_like, "a cat and " * 20)
