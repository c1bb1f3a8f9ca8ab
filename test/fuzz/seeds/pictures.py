"""Writes small pictures of every format that is read, for the targets bmp, pnm and images.

usage: pictures.py FOLDER. FOLDER gets one folder for each target.
"""

import hashlib
import io
import pathlib
import sys

import numpy as np
from PIL import Image

root = pathlib.Path(sys.argv[1])
y, x = np.mgrid[0:11, 0:13]
four = np.stack([x * 19, y * 22, (x * y) % 256, 255 - x * 15], -1).astype(np.uint8)
rgba = Image.fromarray(four)
rgb = rgba.convert("RGB")
grey = rgb.convert("L")


def keep(target, data):
    folder = root / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(data).hexdigest()[:16]).write_bytes(data)


def save(image, format, target="images", **options):
    buffer = io.BytesIO()
    image.save(buffer, format=format, **options)
    keep(target, buffer.getvalue())


for options in ({}, {"progressive": True}, {"subsampling": 0, "quality": 95}, {"optimize": True}):
    save(rgb, "JPEG", **options)
save(grey, "JPEG")
save(rgb.convert("CMYK"), "JPEG")
exif = Image.Exif()
exif[0x0112] = 6
save(rgb, "JPEG", exif=exif)
for image in (rgb, rgba, grey, rgb.quantize(9), grey.convert("1"), grey.convert("LA"), Image.fromarray(four[:, :, 0].astype(np.uint16) * 257)):
    save(image, "PNG")
save(rgb, "WEBP", quality=50)
save(rgb, "WEBP", lossless=True)
save(rgba, "WEBP", quality=50)
save(rgb.quantize(16), "GIF")
save(rgb.quantize(16), "GIF", save_all=True, append_images=[grey.convert("P")])
for compression in (None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
    save(rgb, "TIFF", compression=compression)
save(grey.convert("1"), "TIFF", compression="group4")
save(Image.fromarray(four[:, :, 0].astype(np.uint16) * 257), "TIFF")
save(rgb.convert("CMYK"), "TIFF")
save(rgb, "AVIF", quality=50)
save(rgba, "AVIF", quality=50)
for image in (rgb, rgba, grey, rgb.quantize(9), grey.convert("1")):
    save(image, "BMP", "bmp")
header = (40).to_bytes(4, "little") + (13).to_bytes(4, "little") + (-11 & 0xFFFFFFFF).to_bytes(4, "little") + b"\1\0\x10\0"
for compression, masks in ((0, b""), (3, b"\0\xf8\0\0\xe0\x07\0\0\x1f\0\0\0")):
    offset = 54 + len(masks)
    data = b"BM" + b"\0" * 8 + offset.to_bytes(4, "little") + header + compression.to_bytes(4, "little") + b"\0" * 20 + masks
    keep("bmp", data + np.arange(14 * 11, dtype=np.uint16).tobytes())
keep("bmp", b"BM" + b"\0" * 8 + (26 + 6).to_bytes(4, "little") + (12).to_bytes(4, "little") + b"\x08\0\2\0\1\0\1\0" + b"\0\0\0\xff\xff\xff" + b"\xaa\0\0\0\x55\0\0\0")
for image in (rgb, grey, grey.convert("1")):
    save(image, "PPM", "pnm")
for text in (b"P3\n2 2\n255\n1 2 3  4 5 6\n7 8 9  250 251 252\n", b"P2\n3 1\n# so\n15\n0 7 15\n", b"P1\n3 2\n1 0 1\n0 1 0\n", b"P6 # a\n2 1\n100\nabcdef", b"P6\n1 1\n1000\nabcdef", b"P5\n2 1\n65535\nabcd", b"P4\n9 2\nabcd"):
    keep("pnm", text)
for folder in ("bmp", "pnm"):
    for file in sorted((root / folder).iterdir())[:4]:
        keep("images", file.read_bytes())
