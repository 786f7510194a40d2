"""Small random models of every family, with fewer and narrower layers than the published models."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import timm
import torch
from timm.models import register_model
from timm.models.vitamin import VitCfg, VitConvCfg

from fixlip_widgets import Model, VisionLanguageGame, load_model

TEXT = {"context_length": 16, "width": 32, "heads": 2, "layers": 2}
VISION = {"image_size": 64, "patch_size": 16, "width": 32, "head_width": 16, "layers": 2}
SIGLIP_TEXT = TEXT | {
    "no_causal_mask": True,
    "proj_bias": True,
    "pool_type": "last",
    "norm_kwargs": {"eps": 1e-6},
}
CLIPA_VISION = {"no_ln_pre": True, "pool_type": "avg", "final_ln_after_pool": True}
DECODER = {"multimodal_cfg": {"context_length": 16, "width": 32, "heads": 2, "layers": 1, "attn_pooler_heads": 2}}


SMALL = {"embed_dim": 48, "depth": 2, "num_heads": 2, "img_size": 64}


@register_model
def small_siglip(pretrained: bool = False, **kwargs: Any) -> torch.nn.Module:
    return timm.create_model("vit_base_patch16_siglip_224", **SMALL, **kwargs)


@register_model
def small_eva02(pretrained: bool = False, **kwargs: Any) -> torch.nn.Module:
    return timm.create_model("eva02_base_patch16_clip_224", **SMALL, **kwargs)


@register_model
def small_pe_core(pretrained: bool = False, **kwargs: Any) -> torch.nn.Module:
    return timm.create_model("vit_pe_core_tiny_patch16_384", **SMALL, **kwargs)


@register_model
def small_mobileclip_b(pretrained: bool = False, **kwargs: Any) -> torch.nn.Module:
    return timm.create_model("vit_base_mci_224", depth=1, img_size=64, **kwargs)


@register_model
def small_mobileclip(pretrained: bool = False, **kwargs: Any) -> torch.nn.Module:
    return timm.create_model("fastvit_mci0", layers=(1, 1, 1, 1), embed_dims=(16, 32, 64, 128), **kwargs)


@register_model
def small_convnext(pretrained: bool = False, **kwargs: Any) -> torch.nn.Module:
    return timm.create_model("convnext_atto", depths=(1, 1, 1, 1), dims=(16, 24, 32, 48), **kwargs)


@register_model
def small_vitamin(pretrained: bool = False, **kwargs: Any) -> torch.nn.Module:
    stages = VitCfg((16, 24, 48), (1, 1, 1), 16, VitConvCfg(norm_layer="layernorm2d", norm_eps=1e-6), "1d")
    return timm.create_model("vitamin_small_224", embed_cfg=stages, **SMALL, **kwargs)


def of_timm(name: str, pool: str, proj: str | None = None, **more: Any) -> dict[str, Any]:
    return {"timm_model_name": name, "timm_pool": pool, "timm_proj": proj, **more}


def siglip(**text: Any) -> dict[str, Any]:
    return {
        "embed_dim": 48,
        "init_logit_bias": -10,
        "custom_text": True,
        "vision_cfg": of_timm("small_siglip", "map", "none", image_size=64),
        "text_cfg": SIGLIP_TEXT | text,
    }


def config(vision: dict[str, Any] = VISION, text: dict[str, Any] = TEXT, **more: Any) -> dict[str, Any]:
    return {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text, **more}


CONFIGS: dict[str, dict[str, Any]] = {
    "CLIP": config(),
    "CLIP quickgelu": config(quick_gelu=True),
    "CLIP 14-pixel patches of 64 pixels": config(VISION | {"patch_size": 14}),
    "SigLIP": siglip(),
    "SigLIP-2": siglip(act_kwargs={"approximate": "tanh"}),
    "CLIPA": config(VISION | CLIPA_VISION, TEXT | {"pool_type": "last", "no_causal_mask": True}),
    "EVA-02": config(of_timm("small_eva02", "token", image_size=64), custom_text=True),
    "PE-Core": config(of_timm("small_pe_core", "map", image_size=64), custom_text=True),
    "CoCa": config(
        VISION | {"attentional_pool": True, "attn_pooler_heads": 2, "attn_pooler_queries": 8, "output_tokens": True},
        TEXT | {"embed_cls": True, "output_tokens": True},
        custom_text=True,
        **DECODER,
    ),
    "CoCa, class token pooled": config(
        VISION | {"output_tokens": True}, TEXT | {"embed_cls": True, "output_tokens": True}, custom_text=True, **DECODER
    ),
    "MobileCLIP-B": config(of_timm("small_mobileclip_b", "token", image_size=64), custom_text=True),
    "MobileCLIP": config(
        of_timm("small_mobileclip", "avg", image_size=64), TEXT | {"no_causal_mask": True}, custom_text=True
    ),
    "ConvNeXt": config(of_timm("small_convnext", "", "linear", image_size=64)),
    "ResNet": config({"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 16}),
    "ViTamin": config(of_timm("small_vitamin", "", "linear", image_size=64), custom_text=True),
}
WITHOUT_PATCHES = {"MobileCLIP", "ConvNeXt", "ResNet"}


@cache
def model(family: str) -> Model:
    torch.manual_seed(0)
    loaded = load_model(CONFIGS[family], pretrained=False, device="cpu")
    return sharpened(loaded)


def sharpened(loaded: Model) -> Model:
    """Add noise to zero and tiny initial weights, so that every token and patch affects the output."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for each in loaded.clip.parameters():
            if each.numel() > 1 and (each.ndim == 1 or float(each.std()) < 0.03):
                each.add_(0.1 * torch.randn(each.shape, generator=generator))
    return loaded


def pixels(loaded: Model, seed: int = 0) -> torch.Tensor:
    return torch.randn(3, *loaded.image_size, generator=torch.Generator().manual_seed(seed))


def game(loaded: Model, caption: str = "a dog and a red cat", **options: Any) -> VisionLanguageGame:
    return VisionLanguageGame(loaded, pixels(loaded), caption, **options)


def write_bpe_tokenizer(folder: Path) -> None:
    """A byte-level tokenizer with RoBERTa's special tokens, learned from three sentences."""
    from tokenizers import ByteLevelBPETokenizer
    from tokenizers.processors import RobertaProcessing
    from transformers import PreTrainedTokenizerFast

    tokenizer = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    sentences = ["a dog and a red cat", "two dogs and an unusual hat", "the cat sat on the mat"]
    tokenizer.train_from_iterator(sentences * 3, vocab_size=300, min_frequency=1, special_tokens=special)
    tokenizer._tokenizer.post_processor = RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer._tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    ).save_pretrained(folder)


def write_sentencepiece_tokenizer(folder: Path) -> None:
    """A tokenizer like SigLIP's: sentencepiece marks, no start token, an end token, bytes for unknown characters."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    pieces = ["▁a", "▁dog", "▁and", "▁red", "▁cat", "▁", "s", "c", "a", "t", "d", "o", "g", "r", "e", "n", "."]
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -20.0), *((piece, -2.0) for piece in pieces)]
    vocabulary += [(f"<0x{byte:02X}>", -10.0) for byte in range(256)]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=2, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    ).save_pretrained(folder)


def write_wordpiece_tokenizer(folder: Path) -> None:
    """A tokenizer like BERT's: no accents, words cut into pieces, one token for every unknown word."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "caf", "##e", "in", "the", "park", "and", "dog", "##s"]
    tokenizer = Tokenizer(models.WordPiece({piece: place for place, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]", unk_token="[UNK]"
    ).save_pretrained(folder)
