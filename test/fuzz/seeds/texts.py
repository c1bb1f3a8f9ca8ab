"""Writes small archives, lists, metadata and configs, for the targets in TypeScript that read them.

usage: texts.py FOLDER. FOLDER gets one folder for each target.
"""

import hashlib
import io
import json
import pathlib
import sys
import tarfile

import torch

root = pathlib.Path(sys.argv[1])
fixtures = pathlib.Path(__file__).resolve().parents[2] / "fixtures"


def keep(target, data):
    data = data.encode() if isinstance(data, str) else data
    folder = root / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(data).hexdigest()[:16]).write_bytes(data)


members = [("0001.jpg", b"picture"), ("0001.cls", b"3"), ("0002.png", b"p" * 600), ("0002.json", b'{"label":"owl"}'), ("0003.seg.png", b""), ("0003.txt", b"a cat")]
for format in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as tar:
        for name, data in members if format != tarfile.USTAR_FORMAT else members[:4]:
            long = "n" * 140 if format != tarfile.USTAR_FORMAT and name == "0003.txt" else ""
            info = tarfile.TarInfo(f"{long}{name}" if format != tarfile.PAX_FORMAT else f"ü{long}{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("0004.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    keep("tar", buffer.getvalue().rstrip(b"\0") + b"\0" * 1024)
for text in ("path,label\na.jpg,cat\n\"b, c.jpg\",\"the \"\"dog\"\"\"\n", "\ufefffile_name,class\r\nx.png,1\r\n", "label\n1\n", "path\n", ""):
    keep("list-csv", text)
for text in ('{"path":"a.jpg","label":"cat"}\n{"path":"b.jpg","label":3}\n', '{"file_name":"a","label":{"x":1}}\n\n{"file_name":"b"}', "[1]\n"):
    keep("list-jsonl", text)
for file in fixtures.glob("datasets/paths/*.parquet"):
    keep("parquet", file.read_bytes())
for file in fixtures.glob("datasets/hub/data/validation*.parquet"):
    keep("parquet", file.read_bytes())
shards = [json.loads(file.read_text()) for file in fixtures.glob("reference/shards/*/metadata.json")]
status = json.dumps({"format": 1, "status": "recording", "images_done": 3, "holes": [1]})
sums = hashlib.sha256(b"").hexdigest() + "  acts000000.bin\n"
newer = {"family": "clip", "ckpt": "ViT-B-32/openai", "layers": [-2], "content_tokens_per_example": 49, "cls_token": True, "d_model": 768, "n_examples": 100, "max_tokens_per_shard": 500, "data": "gAIu", "dataset": "d", "pixel_agg": None, "dtype": "float32", "protocol": "2.1"}
entries = [{"name": f"acts{i:06d}.bin", "n_examples": 10} for i in range(3)]
for metadata in shards:
    keep("shard-folder", "\n----\n".join([json.dumps(metadata, indent=4), "", status, sums]))
keep("shard-folder", "\n----\n".join([json.dumps(newer), json.dumps(entries), status, sums]))
keep("shard-folder", "\n----\n".join([json.dumps(newer), json.dumps(entries), json.dumps({"format": 1, "status": "complete", "images_done": 30, "holes": []}), ""]))

tensors = {"W_enc": torch.ones(2, 4), "b_enc": torch.zeros(4), "W_dec": torch.ones(4, 2), "b_dec": torch.zeros(2)}
buffer = io.BytesIO()
torch.save(tensors, buffer)
threshold = io.BytesIO()
torch.save({**tensors, "activation.threshold": torch.tensor(0.5)}, threshold)
for header, archive in (
    ({"schema": 1, "cfg": {"d_vit": 2, "exp_factor": 2, "sparsity_coeff": 0.1}}, buffer),
    ({"d_vit": 2, "exp_factor": 2, "sparsity_coeff": 0.1, "ghost_grads": False}, buffer),
    ({"schema": 5, "cfg": {"d_model": 2, "d_sae": 4, "activation": {"cls": "TopK", "params": {"top_k": 2}}}}, buffer),
    ({"schema": 5, "cfg": {"d_model": 2, "d_sae": 4, "activation": {"cls": "BatchTopK", "params": {"top_k": 2}}}}, threshold),
):
    keep("sae-header", json.dumps(header).encode() + b"\n" + archive.getvalue())

vision = {"image_size": 224, "layers": 12, "width": 768, "patch_size": 32}
timm = {"image_size": 224, "timm_model_name": "vit_base_patch16_siglip_224", "timm_model_pretrained": False, "timm_pool": "map", "timm_proj": "none"}
preprocess = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bicubic", "resize_mode": "squash"}
for config in (
    {"model_cfg": {"embed_dim": 512, "vision_cfg": vision, "text_cfg": {}}, "preprocess_cfg": preprocess},
    {"model_cfg": {"embed_dim": 768, "quick_gelu": True, "vision_cfg": {**vision, "head_width": 32, "mlp_ratio": 4.0, "image_size": [224, 196]}}},
    {"model_cfg": {"embed_dim": 768, "vision_cfg": timm, "text_cfg": {}}, "preprocess_cfg": {**preprocess, "size": 224}},
):
    keep("model-config", json.dumps(config))
for file in (fixtures / "reference/vit").rglob("*.json"):
    if file.stat().st_size < 1500:
        keep("model-config", file.read_bytes())

hf = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "mlp_ratio": 4, "image_size": 224, "patch_size": 16, "hidden_act": "gelu", "layer_norm_eps": 1e-6, "qkv_bias": True}
for config in (
    {**hf, "model_type": "vit", "architectures": ["ViTModel"], "intermediate_size": 3072},
    {**hf, "model_type": "dinov2", "architectures": ["Dinov2Model"], "image_size": 518, "patch_size": 14, "use_swiglu_ffn": False, "layerscale_value": 1.0},
    {**hf, "model_type": "dinov2_with_registers", "num_register_tokens": 4, "image_size": 518, "patch_size": 14},
    {**hf, "model_type": "dinov3_vit", "num_register_tokens": 4, "intermediate_size": 3072, "rope_theta": 100.0, "use_gated_mlp": False},
    {"architecture": "vit_base_patch16_224", "num_classes": 0, "pretrained_cfg": {"input_size": [3, 224, 224], "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bicubic", "crop_pct": 0.9}},
    {"architecture": "vit_small_patch16_dinov3", "pretrained_cfg": {"input_size": [3, 256, 256], "crop_pct": 1.0}},
    {"architecture": "vit_small_patch14_reg4_dinov2", "model_args": {"img_size": 518}, "pretrained_cfg": {"input_size": [3, 518, 518]}},
    {"architecture": "vit_pe_core_tiny_patch16_384", "pretrained_cfg": {"input_size": [3, 384, 384]}},
    {"architecture": "eva02_base_patch14_224", "pretrained_cfg": {"input_size": [3, 224, 224]}},
    {"model_cfg": {"embed_dim": 512, "vision_cfg": {**timm, "timm_model_name": "vit_pe_core_tiny_patch16_384", "image_size": 384}}},
    {"model_cfg": {"embed_dim": 512, "vision_cfg": {**timm, "timm_model_name": "eva02_base_patch16_clip_224", "timm_pool": "token"}}},
    {"architecture": "vit_small", "patch_size": 14, "img_size": 518, "num_register_tokens": 4, "embed_dim": 384, "depth": 12, "num_heads": 6, "ffn_layer": "swiglufused", "init_values": 1e-5},
):
    keep("model-config", json.dumps(config))
