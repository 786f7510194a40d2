"""The value of a caption is that of the model's own tokenizer and forward pass, whatever white space it contains."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fixlip_widgets import InputError, VisionLanguageGame, load_model
from tests.encoders.towers.families import pixels, sharpened, siglip, write_sentencepiece_tokenizer
from tests.encoders.towers.test_transformers import as_siglip_model
from tests.golden import tiny_clip, tiny_pixels

transformers = pytest.importorskip("transformers")

SPACED = ["a dog\nand a cat", "a  dog", " a dog", "a dog ", "a\tdog", "a\n\n\ndog", "a\u00a0dog", "a dog\r\n"]


@pytest.fixture(scope="module")
def siglip2(tmp_path_factory):
    """Return a small SigLIP-2 of transformers whose tokenizer keeps white space, as the published one does."""
    folder = tmp_path_factory.mktemp("tokenizer")
    write_sentencepiece_tokenizer(folder)
    torch.manual_seed(0)
    ours = load_model(siglip(hf_tokenizer_name=str(folder), vocab_size=300, width=48), pretrained=False, device="cpu")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, model_input_names=["input_ids"])  # as published
    processor = transformers.Siglip2Processor(transformers.Siglip2ImageProcessor(), tokenizer)
    return load_model(as_siglip_model(sharpened(ours).clip, "Siglip2"), processor=processor)


def reference(model, caption):
    """Return the logit of the encoders' own forward passes, for the caption as the tokenizer reads it."""
    with torch.no_grad():
        image = model.clip.encode_image(pixels(model)[None])[0]
        text = model.clip.encode_text(model.tokenizer([caption]))[0]
    return model.scale * float(torch.cosine_similarity(image, text, dim=0)) + model.bias


@pytest.mark.parametrize("caption", SPACED)
def test_white_space_that_a_model_reads_counts(siglip2, caption):
    game = VisionLanguageGame(siglip2, pixels(siglip2), caption)
    assert game.similarity == pytest.approx(reference(siglip2, caption), abs=1e-4)


def test_a_line_break_changes_what_this_tokenizer_reads(siglip2):
    assert not torch.equal(siglip2.tokenizer(["a\ndog"]), siglip2.tokenizer(["a dog"]))


@pytest.mark.parametrize("caption", SPACED)
def test_white_space_that_a_model_does_not_read_is_not_shown(caption):
    game = VisionLanguageGame(tiny_clip(), tiny_pixels(), caption)
    assert game.caption == " ".join(caption.split())
    assert game.similarity == VisionLanguageGame(tiny_clip(), tiny_pixels(), game.caption).similarity


@pytest.mark.parametrize("caption", ["a dog\nand a cat", "a  dog and  a\n\ncat", "  a dog and a cat\n"])
def test_words_are_separated_by_any_white_space(siglip2, caption):
    game = VisionLanguageGame(siglip2, pixels(siglip2), caption, words=True)
    assert [word for word in game.tokens if word != "␣"] == caption.split()


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=12))
def test_any_caption_is_explained_or_refused(siglip2, caption):
    try:
        game = VisionLanguageGame(siglip2, pixels(siglip2), caption)
    except InputError:
        return
    assert game.similarity == pytest.approx(reference(siglip2, caption), abs=1e-4)


PECULIAR = ["a cafe\u0301", "a \U0001f415 dog", "\U0001f469\u200d\U0001f52c", "\u05db\u05dc\u05d1", "a\u200bdog"]
PECULIAR += ["...!?", "a \x07dog", "a &amp; dog", "a caf\u00c3\u00a9", "a\u2028dog", "\u0130stanbul", "\ufeffa dog"]


@pytest.mark.parametrize("caption", PECULIAR)
def test_a_peculiar_caption_is_read_as_the_tokenizer_reads_it(siglip2, caption):
    ids = siglip2.tokenizer.tokenizer([caption], padding="max_length", max_length=16, return_tensors="pt").input_ids
    with torch.no_grad():
        image = siglip2.clip.encode_image(pixels(siglip2)[None])[0]
        text = siglip2.clip.model.get_text_features(input_ids=ids)
    text = getattr(text, "pooler_output", text)[0]
    expected = siglip2.scale * float(torch.cosine_similarity(image, text, dim=0)) + siglip2.bias
    assert VisionLanguageGame(siglip2, pixels(siglip2), caption).similarity == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("caption", "tokens"),
    [
        ("A\tDOG", ("a", "dog")),
        ("a cafe\u0301", ("a", "caf\u00e9")),
        ("a \U0001f415 dog", ("a", "\U0001f415", "dog")),
        ("a\u200bdog", ("a", "<U+200B>", "dog")),
        ("a &amp; dog", ("a", "&", "dog")),
        ("...!?", ("...", "!?")),
    ],
)
def test_displayed_tokens_are_what_clip_reads(caption, tokens):
    assert VisionLanguageGame(tiny_clip(), tiny_pixels(), caption).tokens == tokens
