"""
Makes small random models with open_clip, saves them as open_clip pushes them to the hub, and writes what its own code makes
of texts: for python-texts.test.ts.

    python_texts.py FOLDER < {"texts": [...]}

FOLDER gets, for each case, a folder with the model, its tokeniser and reference.safetensors: `tokens` [n, context],
`embedding` [n, out] in float64, of norm 1. cases.json lists them, and `words`: what CLIP's own tokeniser makes of each text.
"""

import copy
import json
import pathlib
import sys

import torch

# torchvision's compiled part may be built for another torch; its operators are not needed, their names are.
_OPERATORS = torch.library.Library("torchvision", "DEF")
for _name in ("nms", "qnms"):
    _OPERATORS.define(_name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import open_clip  # noqa: E402
import transformers as hf  # noqa: E402
from open_clip.model import CLIP, CustomTextCLIP  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers  # noqa: E402

torch.set_num_threads(1)

VISION = {"image_size": 16, "patch_size": 8, "width": 12, "layers": 1, "head_width": 4}
TOWER = {"width": 24, "heads": 3, "layers": 3}


def randomise(model, seed):
    """Weights that no branch can hide behind."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=random)
            if "ln_" in name and name.endswith("weight") or "gamma" in name:
                p.copy_(0.8 + 0.3 * noise)
            elif p.ndim >= 2 and "embedding" not in name:
                p.copy_(noise * (1.3 / p[0].numel() ** 0.5))
            else:
                p.copy_(0.4 * noise)
    return model.eval()


def texts_of(corpus):
    return [text for text in corpus for _ in range(3)]


def unigram(corpus):
    """As SigLIP's: sentencepiece's Unigram, </s> after the text and for padding."""
    t = Tokenizer(models.Unigram())
    t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(" {2,}", " ")])
    t.pre_tokenizer = pre_tokenizers.Metaspace()
    t.decoder = decoders.Metaspace()
    specials = ["<pad>", "</s>", "<unk>"]
    t.train_from_iterator(texts_of(corpus), trainers.UnigramTrainer(vocab_size=220, special_tokens=specials, unk_token="<unk>"))
    t.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return hf.PreTrainedTokenizerFast(tokenizer_object=t, pad_token="</s>", eos_token="</s>", unk_token="<unk>")


def byte_fallback(corpus):
    """As SigLIP 2's, Gemma's: BPE over whole texts, bytes for what it does not know, <eos> after the text."""
    t = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    t.normalizer = normalizers.Replace(" ", "▁")
    t.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", *(f"<0x{i:02X}>" for i in range(256))]
    t.train_from_iterator(texts_of(corpus), trainers.BpeTrainer(vocab_size=460, special_tokens=specials))
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    t.post_processor = processors.TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 1)])
    return hf.PreTrainedTokenizerFast(tokenizer_object=t, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>")


def word_piece(corpus):
    """As CLIPA's, BERT's."""
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(lowercase=True)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    t.train_from_iterator(texts_of(corpus), trainers.WordPieceTrainer(vocab_size=400, special_tokens=specials))
    t.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return hf.PreTrainedTokenizerFast(tokenizer_object=t, pad_token="[PAD]", sep_token="[SEP]", cls_token="[CLS]", unk_token="[UNK]")


def main():
    root = pathlib.Path(sys.argv[1])
    texts = json.load(sys.stdin)["texts"]
    about = {}

    def add(name, text_cfg, tokenizer=None, custom=False, quick_gelu=False):
        folder = root / name
        folder.mkdir()
        cfg = {**TOWER, **text_cfg}
        if tokenizer is not None:
            tokenizer.save_pretrained(folder)
            cfg |= {"vocab_size": len(tokenizer), "hf_tokenizer_name": "nowhere/at-all"}
        make = CustomTextCLIP if custom else CLIP
        model = randomise(make(embed_dim=10, vision_cfg=VISION, text_cfg=copy.deepcopy(cfg), quick_gelu=quick_gelu), len(about))
        whole = {"model_cfg": {"embed_dim": 10, "quick_gelu": quick_gelu, "vision_cfg": VISION, "text_cfg": cfg},
                 "preprocess_cfg": {}}
        (folder / "open_clip_config.json").write_text(json.dumps(whole))
        save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / "open_clip_model.safetensors")
        tokens = open_clip.get_tokenizer(f"local-dir:{folder}")(texts)
        with torch.no_grad():
            embedding = model.double().encode_text(tokens, normalize=True)
        save_file({"tokens": tokens, "embedding": embedding}, folder / "reference.safetensors")
        about[name] = {"context": tokens.shape[1], "vocabulary": cfg.get("vocab_size", 49408)}

    add("clip", {"context_length": 20})
    add("clip-quick", {"context_length": 77, "layers": 2, "ls_init_value": 0.1}, quick_gelu=True)
    add("clip-custom", {"context_length": 16, "norm_kwargs": {"eps": 1e-3}, "act_kwargs": {"approximate": "tanh"}}, custom=True)
    canonical = {"clean": "canonicalize"}
    siglip = {"no_causal_mask": True, "proj_bias": True, "pool_type": "last", "norm_kwargs": {"eps": 1e-6},
              "tokenizer_kwargs": canonical}
    add("siglip", {**siglip, "context_length": 24}, unigram(texts), custom=True)
    add("siglip2", {**siglip, "context_length": 24, "act_kwargs": {"approximate": "tanh"}}, byte_fallback(texts), custom=True)
    add("siglip-none", {**siglip, "context_length": 16, "width": 10, "heads": 2, "mlp_ratio": 3.7, "proj_type": "none"},
        unigram(texts), custom=True)
    add("clipa", {"context_length": 16, "pool_type": "last", "no_causal_mask": True, "tokenizer_kwargs": {"strip_sep_token": True}},
        word_piece(texts))
    add("ends", {"context_length": 16, "pool_type": "eos", "eos_id": 1}, unigram(texts), custom=True)
    add("first", {"context_length": 16, "pool_type": "first", "no_causal_mask": True}, word_piece(texts))
    words = [open_clip.SimpleTokenizer().encode(text) for text in texts]
    (root / "cases.json").write_text(json.dumps({"cases": about, "words": words}))


main()
