"""
Makes small random models with transformers and timm, saves them as they lie on the hub, and writes what their own code
computes: for python-models.test.ts.

    python_models.py FOLDER PICTURES

PICTURES is a folder of pictures. FOLDER gets cases.json and for each case a folder with the model and
reference.safetensors: `input` [n, 3, height, width] from the model's own preprocessing, `embedded` [n, tokens, d] (what
enters the first block), `blocks` [layers, n, tokens, d], `embedding` [n, out] (the picture's one vector); `pillow` like `input` where the model's own code resizes floats
with torch: the same with Pillow.
"""

import json
import pathlib
import sys

import numpy as np
import torch

# torchvision's compiled part may be built for another torch; its operators are not needed, their names are.
_OPERATORS = torch.library.Library("torchvision", "DEF")
for _name in ("nms", "qnms"):
    _OPERATORS.define(_name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import timm  # noqa: E402
import timm.data  # noqa: E402
import transformers as hf  # noqa: E402
from PIL import Image  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil  # noqa: E402
from transformers.models.deit.image_processing_pil_deit import DeiTImageProcessorPil  # noqa: E402
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil  # noqa: E402

hf.logging.set_verbosity_error()
hf.logging.disable_progress_bar()
torch.set_num_threads(1)

_pillow_resize = Image.Image.resize


def _resize(image, size, resample=None, box=None, reducing_gap=None):
    """Width first, then height, as every Pillow up to 12 does it in one call (13 may take the height first)."""
    between = _pillow_resize(image, (size[0], image.height), resample)
    return _pillow_resize(between, size, resample)


Image.Image.resize = _resize


def randomise(model, seed):
    """Weights that no branch can hide behind: large norms' shifts, LayerScales far from 0."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=random)
            if p.ndim >= 2 and "token" not in name and "pos" not in name and "latent" not in name:
                p.copy_(noise * (1.3 / p[0].numel() ** 0.5))
            elif "norm" in name and name.endswith("weight") or "lambda" in name or "gamma" in name:
                p.copy_(0.8 + 0.3 * noise)
            else:
                p.copy_(0.4 * noise)
    return model.eval()


def blocks_of(model, n):
    """The list of residual blocks: the first list of modules that is as long."""
    return next(m for m in model.modules() if isinstance(m, (torch.nn.ModuleList, torch.nn.Sequential)) and len(m) == n)


def trace(model, n_layers, run):
    """What enters the first block, and what every block gives."""
    embedded, outputs, hooks = [], [], []
    blocks = blocks_of(model, n_layers)
    hooks.append(blocks[0].register_forward_pre_hook(lambda _, args: embedded.append(args[0].clone())))
    for block in blocks:
        hooks.append(
            block.register_forward_hook(
                lambda _, __, out: outputs.append((out[0] if isinstance(out, tuple) else out).clone())
            )
        )
    with torch.no_grad():
        run()
    for hook in hooks:
        hook.remove()
    return embedded[0].contiguous(), torch.stack(outputs).contiguous()


class Cases:
    def __init__(self, folder, pictures):
        self.folder = folder
        self.images = [Image.open(p).convert("RGB") for p in sorted(pictures.iterdir())]
        self.about = {}

    def add(self, name, family, model, n_layers, pixels, prefix, embed, run=None, tensors={}):
        """`prefix`: whether there is a CLS token, and how many tokens lie between it and the patches;
        `embed`: the picture's vector from what the model gave, and the input."""
        folder = self.folder / name
        gave = []
        run = model if run is None else run
        embedded, blocks = trace(model, n_layers, lambda: gave.append(run(pixels)))
        tensors = {"input": pixels.contiguous(), "embedded": embedded, "blocks": blocks,
                   "embedding": embed(gave[0], pixels).contiguous(), **tensors}
        save_file(tensors, folder / "reference.safetensors")
        cls, registers = prefix
        self.about[name] = {
            "family": family, "n_layers": n_layers, "d_vit": blocks.shape[-1], "cls_token": cls,
            "registers": registers, "n_patches": blocks.shape[2] - int(cls) - registers,
        }

    def pillow(self, processor):
        """Scaled to [0, 1], resized by Pillow as images of floats, normalised."""
        size = (processor.size["width"], processor.size["height"])
        mean, std = (torch.tensor(v).view(3, 1, 1) for v in (processor.image_mean, processor.image_std))
        pixels = []
        for image in self.images:
            bands = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() * processor.rescale_factor
            resized = [Image.fromarray(band.numpy()).resize(size, processor.resample) for band in bands]
            pixels.append((torch.from_numpy(np.stack([np.array(band) for band in resized])) - mean) / std)
        return torch.stack(pixels)

    def transformers(self, name, family, model, processor, prefix, run=None):
        randomise(model, len(self.about))
        folder = self.folder / name
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
        pixels = processor(self.images, return_tensors="pt")["pixel_values"]
        tensors = {"pillow": self.pillow(processor)} if family == "dinov3" else {}
        # Of every model of transformers here: CLS after the last norm, whatever head comes then.
        norms = [m for n, m in model.named_modules() if n.split(".")[-1] in ("norm", "layernorm") and "decoder" not in n]
        seen = []
        norms[-1].register_forward_hook(lambda _, __, out: seen.append(out[:, 0].clone()))
        self.add(name, family, model, model.config.num_hidden_layers, pixels, prefix, lambda *_: seen[-1], run, tensors)

    def timm(self, name, family, architecture, prefix, trunk=False, config=(), **args):
        """`trunk`: in the layout of open_clip, under `visual.trunk.`; else in timm's own."""
        model = randomise(timm.create_model(architecture, pretrained=False, num_classes=5, **args), len(self.about))
        folder = self.folder / name
        folder.mkdir(parents=True)
        side = args["img_size"]
        if trunk:
            preprocess = {"mean": [0.48, 0.46, 0.41], "std": [0.27, 0.26, 0.28], "interpolation": "bicubic"}
            vision = {"timm_model_name": architecture, "image_size": side, "timm_pool": model.global_pool, "timm_proj": None}
            whole = {"model_cfg": {"embed_dim": 5, "vision_cfg": vision}, "preprocess_cfg": preprocess}
            (folder / "open_clip_config.json").write_text(json.dumps(whole))
            (folder / "timm_trunk.json").write_text(json.dumps({"model_args": args}))
            weights = {f"visual.trunk.{k}": v.contiguous() for k, v in model.state_dict().items()}
            save_file({**weights, "logit_scale": torch.ones(())}, folder / "open_clip_model.safetensors")
            cfg = {**preprocess, "input_size": (3, side, side), "crop_pct": 1.0}
        else:
            cfg = {"input_size": [3, side, side], "crop_pct": 0.9, "interpolation": "bicubic",
                   "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4], "crop_mode": "center", **dict(config)}
            about = {"architecture": architecture.split(".")[0], "num_classes": 5, "global_pool": model.global_pool, "pretrained_cfg": cfg, "model_args": args}
            (folder / "config.json").write_text(json.dumps(about))
            save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / "model.safetensors")
        data = timm.data.resolve_data_config({}, pretrained_cfg=cfg)
        transform = timm.data.create_transform(**data, is_training=False)
        pixels = torch.stack([transform(image) for image in self.images])
        # A trunk's classifier is its projection; a model of its own has one that is no part of the embedding.
        def embed(gave, x):
            with torch.no_grad():
                return gave if trunk else model.forward_head(model.forward_features(x), pre_logits=True)

        self.add(name, family, model, args["depth"], pixels, prefix, embed)


def main():
    folder, pictures = map(pathlib.Path, sys.argv[1:3])
    cases = Cases(folder, pictures)
    sizes = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2}
    mlp = {**sizes, "intermediate_size": 56}

    # DINOv3: rotary positions at a size other than the config's, registers; both MLPs, all choices of biases.
    v3 = {"image_size": 224, "patch_size": 8, "rope_theta": 100.0, "layer_norm_eps": 1e-5}
    cases.transformers(
        "dinov3", "dinov3", hf.DINOv3ViTModel(hf.DINOv3ViTConfig(**mlp, **v3, num_register_tokens=4)),
        hf.DINOv3ViTImageProcessor(size={"height": 40, "width": 48}), (True, 4),
    )
    cases.transformers(
        "dinov3-gated", "dinov3",
        hf.DINOv3ViTModel(hf.DINOv3ViTConfig(**mlp, **v3, num_register_tokens=2, use_gated_mlp=True, hidden_act="silu",
                                             query_bias=False, value_bias=False, key_bias=True)),
        hf.DINOv3ViTImageProcessor(size={"height": 32, "width": 32}), (True, 2),
    )

    # DINOv2 as transformers has it: positions at the size they are stored for, at others, antialiased.
    v2 = {**sizes, "mlp_ratio": 2, "patch_size": 7}
    bit = {"crop_size": {"height": 42, "width": 42}, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
    cases.transformers(
        "dinov2", "dinov2", hf.Dinov2Model(hf.Dinov2Config(**v2, image_size=42)),
        BitImageProcessorPil(size={"shortest_edge": 49}, **bit), (True, 0),
    )
    cases.transformers(
        "dinov2-swiglu-resized", "dinov2",
        hf.Dinov2ForImageClassification(hf.Dinov2Config(**v2, image_size=70, use_swiglu_ffn=True)),
        BitImageProcessorPil(size={"shortest_edge": 48}, **bit), (True, 0),
    )
    cases.transformers(
        "dinov2-registers-resized", "dinov2",
        hf.Dinov2WithRegistersModel(hf.Dinov2WithRegistersConfig(**v2, image_size=70, num_register_tokens=3)),
        BitImageProcessorPil(size={"shortest_edge": 45}, **bit), (True, 3),
    )

    # ViT, DeiT, MAE.
    plain = {**mlp, "image_size": 32, "patch_size": 8}
    square = {"size": {"height": 32, "width": 32}}
    cases.transformers(
        "vit", "vit", hf.ViTForImageClassification(hf.ViTConfig(**plain)), ViTImageProcessorPil(**square), (True, 0)
    )
    cases.transformers(
        "vit-bare", "vit", hf.ViTModel(hf.ViTConfig(**plain, qkv_bias=False, hidden_act="gelu_pytorch_tanh")),
        ViTImageProcessorPil(**square, resample=3, image_mean=[0.1, 0.2, 0.3], do_normalize=True), (True, 0),
    )
    cases.transformers(
        "deit-distilled", "vit", hf.DeiTForImageClassificationWithTeacher(hf.DeiTConfig(**plain)),
        DeiTImageProcessorPil(size={"height": 37, "width": 37}, crop_size={"height": 32, "width": 32}), (True, 1),
    )
    decoder = {"decoder_hidden_size": 16, "decoder_num_hidden_layers": 1, "decoder_num_attention_heads": 2,
               "decoder_intermediate_size": 16}
    mae = hf.ViTMAEForPreTraining(hf.ViTMAEConfig(**plain, **decoder, mask_ratio=0.0))
    # Nothing is masked, and noise in order leaves the patches in order.
    in_order = torch.arange(16.0).expand(len(cases.images), 16)
    cases.transformers(
        "mae", "vit", mae, ViTImageProcessorPil(**square), (True, 0), run=lambda x: mae.vit(x, noise=in_order)
    )

    # timm's own ViTs.
    small = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 3, "num_heads": 2}
    cases.timm("timm-vit", "vit", "vit_base_patch16_224", (True, 0), **small)
    cases.timm("timm-squash", "vit", "vit_base_patch16_224.mae", (True, 0), mlp_ratio=1.6,
               config={"crop_mode": "squash", "interpolation": "bilinear", "crop_pct": 1.0}, **small)
    cases.timm("timm-distilled", "vit", "deit_base_distilled_patch16_224", (True, 1), **small)
    cases.timm("timm-clip", "vit", "vit_large_patch14_clip_quickgelu_224", (True, 0), **small)
    cases.timm("timm-registers", "vit", "vit_base_patch14_reg4_dinov2", (True, 4), **small)
    cases.timm("timm-swiglu", "vit", "vit_giant_patch14_dinov2", (True, 0), **small)
    cases.timm("timm-no-cls", "vit", "vit_base_patch16_siglip_224", (False, 0), **small)
    cases.timm("open-clip-trunk", "vit", "vit_large_patch14_clip_224", (True, 0), trunk=True, **small)

    # EVA: absolute positions; rotary ones and inner norms; norms of outputs.
    cases.timm("eva-giant", "eva", "eva_giant_patch14_224", (True, 0), trunk=True, **small)
    cases.timm("eva02", "eva", "eva02_base_patch16_clip_224", (True, 0), trunk=True, **small)
    cases.timm("eva02-timm", "eva", "eva02_large_patch14_clip_224", (True, 0), **small)
    cases.timm("eva02-enormous", "eva", "eva02_enormous_patch14_clip_224", (True, 0), trunk=True, **{**small, "mlp_ratio": 3.0})

    # Perception Encoder.
    cases.timm("pe-core", "pe", "vit_pe_core_base_patch16_224", (True, 0), trunk=True, **small)
    cases.timm("pe-core-no-cls", "pe", "vit_pe_core_gigantic_patch14_448", (False, 0), trunk=True, **{**small, "mlp_ratio": 3.0})
    cases.timm("pe-spatial", "pe", "vit_pe_spatial_base_patch16_512", (True, 0), **small)

    (folder / "cases.json").write_text(json.dumps(cases.about))


main()
