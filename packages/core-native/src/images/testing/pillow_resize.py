"""Resizes random pictures with Pillow, for resize.test.ts. usage: pillow_resize.py FOLDER"""

import json
import pathlib
import sys

import numpy as np
from PIL import Image

folder = pathlib.Path(sys.argv[1])
rng = np.random.default_rng(7)
FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


def resize(image, size, value):
    """Width first, then height, each with an 8-bit result: what `resize` does in one call up to Pillow 12.
    (Pillow 13 takes the height first when it shrinks more.)"""
    return image.resize((size[0], image.height), value).resize(size, value)


def centre_crop(image, height, width):
    top = int(round((image.height - height) / 2.0))
    left = int(round((image.width - width) / 2.0))
    return image.crop((left, top, left + width, top + height))


cases = []
for i, (w, h, to_w, to_h) in enumerate(
    [(64, 48, 17, 13), (17, 13, 64, 48), (640, 480, 224, 224), (33, 100, 33, 50), (100, 33, 50, 33), (9, 9, 9, 9)]
    + [(1, 1, 5, 7), (500, 3, 20, 20), (3, 500, 20, 20), (1000, 667, 335, 224), (50, 50, 1, 1), (255, 254, 254, 255)]
):
    pixels = rng.choice([0, 255, 128], (h, w, 3)) if i % 2 else rng.integers(0, 256, (h, w, 3))
    image = Image.fromarray(pixels.astype(np.uint8))
    (folder / f"in{i}.rgb").write_bytes(image.tobytes())
    for name, value in FILTERS.items():
        (folder / f"{name}{i}.rgb").write_bytes(resize(image, (to_w, to_h), value).tobytes())
        # Shorter side to 31, as torchvision rounds, then the middle 31 × 31 or 27 × 29.
        size = 31
        short, long = min(w, h), max(w, h)
        longer = int(size * long / short)
        shape = (size, longer) if w <= h else (longer, size)
        resized = resize(image, shape, value)
        for ch, cw in ((31, 31), (27, 30)):
            (folder / f"{name}{i}_{ch}x{cw}.rgb").write_bytes(centre_crop(resized, ch, cw).tobytes())
    cases.append({"width": w, "height": h, "toWidth": to_w, "toHeight": to_h})
(folder / "cases.json").write_text(json.dumps(cases))
