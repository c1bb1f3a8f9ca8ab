"""
Writes packages/core-native/data/open-clip.json: what open_clip's pretrained tags stand for, ViTs only.

    python -m venv VENV && VENV/bin/pip install --no-deps open_clip_torch==3.3.0 timm==1.0.29
    VENV/bin/python scripts/open-clip-table.py [OUT]

Facts only: names, repositories, URLs and numbers. Neither package is imported as a whole, so torch is not needed: the
table of tags is a module of its own, configs are JSON, and the sizes of timm's towers are the literal arguments in
its sources.
"""

import ast
import importlib
import importlib.metadata
import importlib.util
import json
import pathlib
import re
import sys
import types

OUT = pathlib.Path(__file__).parent.parent / "packages/core-native/data/open-clip.json"

# Arguments of timm's constructors that say how large a tower is and what it computes.
TIMM_DEFAULTS = {"patch_size": 16, "embed_dim": 768, "depth": 12, "num_heads": 12, "mlp_ratio": 4.0}
TIMM_ARGUMENTS = [*TIMM_DEFAULTS, "img_size", "class_token", "global_pool", "act_layer", "init_values", "pre_norm",
                  "swiglu_mlp", "use_rot_pos_emb", "scale_mlp", "scale_attn_inner", "no_embed_class"]
# open_clip's defaults, CLIPVisionCfg.
CLIP_DEFAULTS = {"image_size": 224, "layers": 12, "width": 768, "head_width": 64, "mlp_ratio": 4.0, "patch_size": 16}


def folder_of(package):
    return pathlib.Path(importlib.util.find_spec(package).origin).parent


OPEN_CLIP, TIMM = folder_of("open_clip"), folder_of("timm")


def open_clip_tags():
    """`_PRETRAINED` of open_clip/pretrained.py, without running open_clip/__init__.py (which needs torch)."""
    parent = types.ModuleType("open_clip")
    parent.__path__ = [str(OPEN_CLIP)]
    sys.modules["open_clip"] = parent
    sys.modules.setdefault("tqdm", types.SimpleNamespace(tqdm=None))
    return importlib.import_module("open_clip.pretrained")._PRETRAINED


def timm_towers():
    """name -> literal arguments, of every ViT in timm's sources."""
    towers = {}
    for source in ("vision_transformer.py", "eva.py"):
        tree = ast.parse((TIMM / "models" / source).read_text())
        for function in tree.body:
            if not isinstance(function, ast.FunctionDef):
                continue
            for node in ast.walk(function):
                target = isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "")
                if target != "model_args" or not isinstance(node.value, ast.Call):
                    continue
                arguments = {}
                for keyword in node.value.keywords:
                    try:
                        # Ratios are written as quotients of numbers.
                        arguments[keyword.arg] = eval(compile(ast.Expression(keyword.value), source, "eval"), {"__builtins__": {}})
                    except NameError:
                        arguments[keyword.arg] = ast.unparse(keyword.value)
                towers[function.name] = {k: v for k, v in arguments.items() if k in TIMM_ARGUMENTS}
    return towers


def tower_of(config, timm):
    """Size of the vision tower, or None when it is no ViT."""
    vision = config["vision_cfg"]
    name = vision.get("timm_model_name")
    if name is None:
        if isinstance(vision.get("layers"), list):
            return None  # a ResNet
        v = {**CLIP_DEFAULTS, **vision}
        heads, cls = v["width"] // v["head_width"], True
        return {"image_size": v["image_size"], "patch_size": v["patch_size"], "d_vit": v["width"],
                "layers": v["layers"], "heads": heads, "hidden": int(v["width"] * v["mlp_ratio"]), "cls_token": cls}
    if name not in timm:
        return None
    v = {**TIMM_DEFAULTS, **timm[name]}
    size = vision.get("image_size") or v.get("img_size") or int(re.search(r"_(\d+)$", name).group(1))
    tower = {"image_size": size, "patch_size": v["patch_size"], "d_vit": v["embed_dim"], "layers": v["depth"],
             "heads": v["num_heads"], "hidden": int(v["embed_dim"] * v["mlp_ratio"]),
             "cls_token": v.get("class_token", True), "timm": name}
    if "act_layer" in v:
        tower["act"] = v["act_layer"]
    return tower


def entry_of(tag):
    entry = {"repo": None, "file": None, "url": tag["url"] or None}
    if tag["hf_hub"]:
        # "org/name/" means the default file of the repository; "org/name/file" another one.
        entry["repo"], _, file = tag["hf_hub"].rpartition("/")
        entry["file"] = file or None
    if entry["url"]:
        # OpenAI published TorchScript archives, everybody else state_dicts.
        entry["url_format"] = "torchscript" if "openaipublic" in entry["url"] else "state_dict"
    entry = {k: v for k, v in entry.items() if v is not None}
    return {**entry, "mean": list(tag["mean"]), "std": list(tag["std"]), "interpolation": tag["interpolation"],
            "resize_mode": tag["resize_mode"], "quick_gelu": tag.get("quick_gelu", False)}


def main():
    tags, timm = open_clip_tags(), timm_towers()
    architectures, pretrained, others = {}, {}, []
    for path in sorted((OPEN_CLIP / "model_configs").glob("*.json"), key=lambda p: p.stem):
        config = json.loads(path.read_text())
        tower = tower_of(config, timm)
        if tower is None:
            others.append(path.stem)
            continue
        architectures[path.stem] = {
            "quick_gelu": config.get("quick_gelu", False),
            "embed_dim": config["embed_dim"],
            "tower": tower,
            "vision_cfg": {k: v for k, v in config["vision_cfg"].items() if k != "timm_model_pretrained"},
            "text_cfg": config["text_cfg"],
        }
        if path.stem in tags:
            pretrained[path.stem] = {name: entry_of(tag) for name, tag in tags[path.stem].items()}
    table = {
        "open_clip": importlib.metadata.version("open_clip_torch"),
        "timm": importlib.metadata.version("timm"),
        "architectures": architectures,
        "pretrained": pretrained,
        "not_vits": others,
    }
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    text = json.dumps(table, indent=1)
    # Lists of numbers in one line.
    text = re.sub(r"\[\s+([-\d.,\s]+?)\s+\]", lambda m: "[" + re.sub(r"\s+", " ", m.group(1)) + "]", text)
    out.write_text(text + "\n")
    n = sum(len(t) for t in pretrained.values())
    print(f"{out}: {len(architectures)} architectures, {n} pretrained models, {len(others)} that are no ViT")


main()
