"""Builds tiny checkpoints with random weights: the true classes, tokenizer layout and templates, a megabyte each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import (
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)

ENDING = "<|endoftext|>"
TURN = "<|im_end|>"
MARKS = [ENDING, "<|im_start|>", TURN]
for kind in ("object_ref", "box", "quad", "vision"):
    MARKS += [f"<|{kind}_start|>", f"<|{kind}_end|>"]
MARKS += ["<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"]
WORDS = ["<think>", "</think>", "<tool_call>", "</tool_call>"]
# How Qwen splits text before its byte pairs are joined.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPEECH = """A cat standing in the snow. A woman playing with her dog on a beach at sunset. yes no yes no yes no
Represent the user's input. Retrieve images or text relevant to the user's query. system user assistant Instruct Query
Judge whether the Document meets the requirements based on the Query and the Instruct provided. Note that the answer can
only be "yes" or "no". Given a web search query, retrieve relevant passages that answer the query"""

SEEING_TEMPLATE = """\
{%- macro show(content) -%}
{%- if content is string %}{{- content }}{%- else %}{%- for part in content %}
{%- if part.type in ('image', 'image_url') %}{{- '<|vision_start|><|image_pad|><|vision_end|>' }}
{%- elif 'text' in part %}{{- part.text }}{%- endif %}{%- endfor %}{%- endif %}
{%- endmacro -%}
{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + show(message.content) + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"""
THINKING_TEMPLATE = """\
{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}
{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}
{%- endif %}"""
PICTURES = {
    "patch_size": 16,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}
LAYERS = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 4096,
    "rms_norm_eps": 1e-6,
}


LARGE_LAYERS = {
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 262_144,
    "rms_norm_eps": 1e-6,
    "vocab_size": 151_936,
}
LARGE_EYES = {"depth": 24, "hidden_size": 1024, "intermediate_size": 4096, "num_heads": 16}
LARGE_EYES |= {"num_position_embeddings": 2304, "deepstack_visual_indexes": [5, 11, 17]}
LARGE_SECTIONS = [24, 20, 20]


def seeing(path: Path, *, large: bool = False) -> Path:
    """A Qwen3-VL checkpoint: embedder, reranker and captioner at once. large: in the true shape of the 2B."""
    words = _tokenizer(path, SEEING_TEMPLATE)
    rope = {"rope_type": "default", "rope_theta": 5e6, "mrope_section": [2, 3, 3], "mrope_interleaved": True}
    text = {"vocab_size": len(words), **(LARGE_LAYERS if large else LAYERS), "tie_word_embeddings": True}
    text["rope_parameters"] = {**rope, "mrope_section": LARGE_SECTIONS} if large else rope
    eyes = {"depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "in_channels": 3}
    eyes |= {"patch_size": 16, "spatial_merge_size": 2, "temporal_patch_size": 2, "num_position_embeddings": 64}
    eyes |= {"out_hidden_size": text["hidden_size"], "deepstack_visual_indexes": [0, 1]}
    eyes |= LARGE_EYES if large else {}
    marks = ("image_pad", "video_pad", "vision_start", "vision_end")
    names = ("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id")
    numbers = {name: words.convert_tokens_to_ids(f"<|{mark}|>") for name, mark in zip(names, marks, strict=True)}
    torch.manual_seed(7)
    config = Qwen3VLConfig(text_config=text, vision_config=eyes, tie_word_embeddings=True, **numbers)
    network = Qwen3VLForConditionalGeneration(config)
    (network if large else _louder(network)).save_pretrained(path)
    pixels = {"shortest_edge": 4096, "longest_edge": 1_843_200}
    for name, kind in (("image", "Qwen2VLImageProcessorFast"), ("video", "Qwen3VLVideoProcessor")):
        file = "preprocessor_config.json" if name == "image" else "video_preprocessor_config.json"
        (path / file).write_text(json.dumps({f"{name}_processor_type": kind, "size": pixels, **PICTURES}))
    return path


def reading(path: Path) -> Path:
    """A Qwen3 checkpoint, for texts only: Qwen3-Embedding, Qwen3-Reranker and Qwen3 at once."""
    words = _tokenizer(path, THINKING_TEMPLATE)
    torch.manual_seed(8)
    config = Qwen3Config(**LAYERS, vocab_size=len(words), tie_word_embeddings=True)
    _louder(Qwen3ForCausalLM(config)).save_pretrained(path)
    return path


def _louder(network: Any) -> Any:
    """Weights large enough that different inputs get different vectors, as trained ones do."""
    with torch.no_grad():
        for name, weights in network.named_parameters():
            if weights.dim() > 1:
                weights.mul_(3 if "embed_tokens" in name else 4)
    return network.eval()


def _tokenizer(path: Path, template: str) -> PreTrainedTokenizerFast:
    words = Tokenizer(BPE())
    words.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(SPLIT), behavior="isolated")
    words.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    words.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = BpeTrainer(vocab_size=512, initial_alphabet=alphabet, show_progress=False)
    words.train_from_iterator(SPEECH.splitlines() * 20, trainer)
    words.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in MARKS])
    words.add_tokens([AddedToken(word, special=False, normalized=False) for word in WORDS])
    pairs = [(ENDING, words.token_to_id(ENDING))]
    end = processors.TemplateProcessing(single=f"$A {ENDING}", pair=f"$A {ENDING} $B {ENDING}", special_tokens=pairs)
    words.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), end])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token=ENDING,
        eos_token=TURN,
        additional_special_tokens=MARKS[1:],
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = template
    fast.save_pretrained(path)
    return fast
