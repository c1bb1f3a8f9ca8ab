"""Writes pictures of every kind that Pillow writes, and what Pillow reads back, for decode.test.ts.

usage: pillow_cases.py FOLDER. FOLDER gets the pictures, NAME.rgb (bytes of convert("RGB")) and cases.json.
"""

import io
import json
import pathlib
import struct
import sys
import zlib

import numpy as np
from PIL import Image

folder = pathlib.Path(sys.argv[1])
rng = np.random.default_rng(20260101)
W, H = 53, 37


def smooth(channels, w=W, h=H):
    y, x = np.mgrid[0:h, 0:w]
    waves = [127 + 120 * np.sin(x / (3 + c) + y / (5 + 2 * c)) + rng.normal(0, 5, (h, w)) for c in range(channels)]
    return np.clip(np.stack(waves, -1), 0, 255).astype(np.uint8)


cases = {}


def keep(name, data):
    path = folder / name
    path.write_bytes(data)
    with Image.open(path) as image:
        mode = image.mode
        rgb = image.convert("RGB")
    (folder / (name + ".rgb")).write_bytes(rgb.tobytes())
    cases[name] = {"width": rgb.width, "height": rgb.height, "mode": mode}


def save(name, image, **options):
    buffer = io.BytesIO()
    image.save(buffer, **options)
    keep(name, buffer.getvalue())


def png(name, colour_type, depth, samples, palette=None, trns=None, interlace=0):
    """A PNG written chunk by chunk: Pillow itself does not write every kind. `samples` [h, w, channels], big-endian."""
    h, w, _ = samples.shape

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    def rows(part):
        out = b""
        for row in part:
            if depth == 16:
                packed = row.astype(">u2").tobytes()
            elif depth == 8:
                packed = row.astype(np.uint8).tobytes()
            else:
                bits = np.unpackbits(row.reshape(-1, 1).astype(np.uint8), axis=1)[:, 8 - depth :].reshape(-1)
                packed = np.packbits(bits).tobytes()
            out += b"\0" + packed
        return out

    if interlace:
        raw = b""
        for y0, x0, dy, dx in [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]:
            part = samples[y0::dy, x0::dx]
            if part.size:
                raw += rows(part)
    else:
        raw = rows(samples)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour_type, 0, 0, interlace))
    if palette is not None:
        data += chunk(b"PLTE", palette)
    if trns is not None:
        data += chunk(b"tRNS", trns)
    data += chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    keep(name, data)


rgb = Image.fromarray(smooth(3))
grey = Image.fromarray(smooth(1)[:, :, 0])
rgba = Image.fromarray(smooth(4))
cmyk = Image.fromarray(smooth(4), "CMYK") if hasattr(Image, "fromarray") else None
icc = None
try:
    from PIL import ImageCms

    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
except Exception:
    pass

for depth in (1, 2, 4, 8, 16):
    top = 2**depth
    one = (rng.integers(0, top, (H, W, 1))).astype(np.uint16)
    png(f"grey{depth}.png", 0, depth, one)
    png(f"grey{depth}_interlaced.png", 0, depth, one, interlace=1)
    png(f"grey{depth}_key.png", 0, depth, one, trns=struct.pack(">H", int(one[0, 0, 0])))
    if depth <= 8:
        palette = rng.integers(0, 256, top * 3).astype(np.uint8).tobytes()
        png(f"palette{depth}.png", 3, depth, one, palette)
        png(f"palette{depth}_alpha.png", 3, depth, one, palette, trns=bytes(range(0, min(top, 200))))
        png(f"palette{depth}_interlaced.png", 3, depth, one, palette, interlace=1)
    if depth >= 8:
        three = rng.integers(0, top, (H, W, 3)).astype(np.uint16)
        png(f"rgb{depth}.png", 2, depth, three)
        png(f"rgb{depth}_interlaced.png", 2, depth, three, interlace=1)
        png(f"rgb{depth}_key.png", 2, depth, three, trns=struct.pack(">HHH", *[int(v) for v in three[0, 0]]))
        png(f"rgba{depth}.png", 6, depth, rng.integers(0, top, (H, W, 4)).astype(np.uint16))
        png(f"greyalpha{depth}.png", 4, depth, rng.integers(0, top, (H, W, 2)).astype(np.uint16))

for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
    for progressive in (False, True):
        for quality in (35, 92):
            kind = "progressive" if progressive else "baseline"
            save(f"{kind}_{name}_q{quality}.jpg", rgb, format="JPEG", subsampling=sampling, progressive=progressive, quality=quality)
save("grey.jpg", grey, format="JPEG")
save("grey_progressive.jpg", grey, format="JPEG", progressive=True)
save("cmyk.jpg", cmyk, format="JPEG")
save("one_pixel.jpg", rgb.crop((0, 0, 1, 1)), format="JPEG")
exif = Image.Exif()
exif[0x0112] = 6
save("exif6.jpg", rgb, format="JPEG", exif=exif)
save("exif6.png", rgb, format="PNG", exif=exif)
if icc:
    save("icc.jpg", rgb, format="JPEG", icc_profile=icc)
    save("icc.png", rgb, format="PNG", icc_profile=icc)
save("lossless.webp", rgb, format="WEBP", lossless=True)
save("lossy.webp", rgb, format="WEBP", quality=60)
save("alpha.webp", rgba, format="WEBP", lossless=True, exact=True)
save("rgb.bmp", rgb, format="BMP")
save("rgba.bmp", rgba, format="BMP")
save("grey.bmp", grey, format="BMP")
save("one.bmp", grey.convert("1"), format="BMP")
save("palette.bmp", rgb.quantize(200), format="BMP")
save("rgb.ppm", rgb, format="PPM")
save("grey.pgm", grey, format="PPM")
save("one.pbm", grey.convert("1"), format="PPM")
keep("max100.ppm", b"P6 # a comment\n%d %d\n100\n" % (W, H) + (smooth(3) % 101).tobytes())
keep("max1000.ppm", b"P6\n%d %d\n1000\n" % (W, H) + rng.integers(0, 1001, (H, W, 3)).astype(">u2").tobytes())
keep("max77.pgm", b"P5\n%d %d\n77\n" % (W, H) + (smooth(1) % 78).tobytes())
keep("max65535.pgm", b"P5\n%d %d\n65535\n" % (W, H) + rng.integers(0, 600, (H, W)).astype(">u2").tobytes())
keep("text.ppm", b"P3\n2 2\n255\n1 2 3  4 5 6\n7 8 9  250 251 252\n")
keep("text.pgm", b"P2\n3 1\n# so\n15\n0 7 15\n")
for name, compression in (("plain", None), ("lzw", "tiff_lzw"), ("deflate", "tiff_deflate"), ("packbits", "packbits")):
    save(f"rgb_{name}.tiff", rgb, format="TIFF", compression=compression)
    save(f"grey_{name}.tif", grey, format="TIFF", compression=compression)
save("rgba.tiff", rgba, format="TIFF")
save("one.tiff", grey.convert("1"), format="TIFF")
save("palette.tiff", rgb.quantize(64), format="TIFF")
save("cmyk.tiff", cmyk, format="TIFF")
save("exif6.tiff", rgb, format="TIFF", tiffinfo={274: 6})
keep_grey16 = Image.fromarray(rng.integers(0, 400, (H, W)).astype(np.uint16))
save("grey16.tiff", keep_grey16, format="TIFF")
save("first.gif", rgb.quantize(64), format="GIF", save_all=True, append_images=[grey.convert("P")])

(folder / "cases.json").write_text(json.dumps(cases))
