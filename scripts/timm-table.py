"""
Writes packages/core-native/data/timm-vits.json: with which arguments timm builds each of its vision transformers.

    python -m venv VENV && VENV/bin/pip install --no-deps timm==1.0.29
    VENV/bin/python scripts/timm-table.py [OUT]

Facts only: names and the literal arguments in timm's sources, which are read and not run.
"""

import ast
import importlib.metadata
import importlib.util
import json
import pathlib
import sys

OUT = pathlib.Path(__file__).parent.parent / "packages/core-native/data/timm-vits.json"
SOURCES = ("vision_transformer.py", "eva.py", "deit.py")
# What builds the model, and the class that it makes.
CREATORS = {"_create_vision_transformer": "vit", "_create_eva": "eva", "_create_deit": "vit"}


def value_of(node):
    """A literal, a quotient of numbers, or the text of anything else."""
    try:
        return eval(compile(ast.Expression(node), "timm", "eval"), {"__builtins__": {}})
    except (NameError, TypeError):
        return ast.unparse(node)


def arguments_of(call):
    arguments = {}
    for keyword in call.keywords:
        if keyword.arg is None:
            continue
        value = value_of(keyword.value)
        if keyword.arg == "norm_layer" and isinstance(value, str) and value.startswith("partial(LayerNorm, eps="):
            arguments["norm_eps"] = float(value.split("=")[1].rstrip(")"))
        elif keyword.arg == "global_pool":
            continue  # pools what the last block gives
        else:
            arguments[keyword.arg] = value
    return arguments


def model_of(function):
    arguments = kind = None
    distilled = False
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", "")
        if name in CREATORS:
            kind = CREATORS[name]
            distilled = any(k.arg == "distilled" and value_of(k.value) is True for k in node.keywords)
        if name == "dict" and any(k.arg for k in node.keywords) and arguments is None:
            arguments = arguments_of(node)
    if kind is None or arguments is None:
        return None
    if distilled:
        arguments["distilled"] = True
    return {"kind": kind, **arguments}


def main():
    folder = pathlib.Path(importlib.util.find_spec("timm").origin).parent / "models"
    models = {}
    for source in SOURCES:
        for function in ast.parse((folder / source).read_text()).body:
            if not isinstance(function, ast.FunctionDef) or function.name.startswith("_"):
                continue
            model = model_of(function)
            if model is not None:
                models[function.name] = model
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(models[name])}" for name in sorted(models))
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    out.write_text(f'{{\n "timm": "{importlib.metadata.version("timm")}",\n "models": {{\n{lines}\n }}\n}}\n')
    print(f"{out}: {len(models)} models")


main()
