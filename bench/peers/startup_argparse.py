"""A floor for Python: the same three commands with argparse alone, three flags each, no config classes."""

import argparse

parser = argparse.ArgumentParser(prog="saev")
commands = parser.add_subparsers()
for name, flags in {
    "activations": ["dump-to", "vit-ckpt", "seed"],
    "train": ["lr", "n-patches", "seed"],
    "visuals": ["ckpt", "top-k", "seed"],
}.items():
    command = commands.add_parser(name)
    for flag in flags:
        command.add_argument(f"--{flag}")
parser.parse_args()
