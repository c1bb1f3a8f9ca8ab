"""Writes pictures of every kind that is decoded, and what Pillow makes of them, for exactness.test.ts and decode.test.ts.

usage: pillow_cases.py FOLDER. FOLDER gets the pictures, NAME.rgb (bytes of convert("RGB")), cases.json (with the row of the
table that each belongs to) and pillow.txt (Pillow's version).
"""

import io
import json
import pathlib
import struct
import sys
import zlib

import numpy as np
import PIL
from PIL import Image, features

folder = pathlib.Path(sys.argv[1])
rng = np.random.default_rng(20260101)
W, H = 53, 37


def smooth(channels, w=W, h=H):
    y, x = np.mgrid[0:h, 0:w]
    waves = [127 + 120 * np.sin(x / (3 + c) + y / (5 + 2 * c)) + rng.normal(0, 5, (h, w)) for c in range(channels)]
    return np.clip(np.stack(waves, -1), 0, 255).astype(np.uint8)


cases = {}
kind = ""


def row(name):
    """What follows belongs to this row of the table."""
    global kind
    kind = name


def keep(name, data):
    path = folder / name
    path.write_bytes(data)
    with Image.open(path) as image:
        mode = image.mode
        rgb = image.convert("RGB")
    (folder / (name + ".rgb")).write_bytes(rgb.tobytes())
    cases[name] = {"width": rgb.width, "height": rgb.height, "mode": mode, "row": kind}


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
    bits = f"PNG, {depth} bit{'s' if depth > 1 else ''}"
    row(f"{bits}: grey, with and without a transparent grey, interlaced")
    one = (rng.integers(0, top, (H, W, 1))).astype(np.uint16)
    png(f"grey{depth}.png", 0, depth, one)
    png(f"grey{depth}_interlaced.png", 0, depth, one, interlace=1)
    png(f"grey{depth}_key.png", 0, depth, one, trns=struct.pack(">H", int(one[0, 0, 0])))
    if depth <= 8:
        row(f"{bits}: palette, with and without alpha, interlaced")
        palette = rng.integers(0, 256, top * 3).astype(np.uint8).tobytes()
        png(f"palette{depth}.png", 3, depth, one, palette)
        png(f"palette{depth}_alpha.png", 3, depth, one, palette, trns=bytes(range(0, min(top, 200))))
        png(f"palette{depth}_interlaced.png", 3, depth, one, palette, interlace=1)
    if depth >= 8:
        row(f"{bits}: colour, alpha, interlaced")
        three = rng.integers(0, top, (H, W, 3)).astype(np.uint16)
        png(f"rgb{depth}.png", 2, depth, three)
        png(f"rgb{depth}_interlaced.png", 2, depth, three, interlace=1)
        png(f"rgb{depth}_key.png", 2, depth, three, trns=struct.pack(">HHH", *[int(v) for v in three[0, 0]]))
        png(f"rgba{depth}.png", 6, depth, rng.integers(0, top, (H, W, 4)).astype(np.uint16))
        png(f"greyalpha{depth}.png", 4, depth, rng.integers(0, top, (H, W, 2)).astype(np.uint16))

for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
    for progressive in (False, True):
        for quality in (35, 92):
            way = "progressive" if progressive else "baseline"
            row(f"JPEG, {way}: 4:4:4, 4:2:2, 4:2:0")
            save(f"{way}_{name}_q{quality}.jpg", rgb, format="JPEG", subsampling=sampling, progressive=progressive, quality=quality)
row("JPEG, grey: baseline and progressive")
save("grey.jpg", grey, format="JPEG")
save("grey_progressive.jpg", grey, format="JPEG", progressive=True)
row("JPEG, CMYK: baseline and progressive")
save("cmyk.jpg", cmyk, format="JPEG")
save("cmyk_progressive.jpg", cmyk, format="JPEG", progressive=True)
row("JPEG, YCCK: baseline and progressive")
for name in ("cmyk", "cmyk_progressive"):
    # Pillow writes no YCCK: the byte of Adobe's marker that tells the two apart.
    data = bytearray((folder / f"{name}.jpg").read_bytes())
    data[data.index(b"Adobe") + 11] = 2
    keep(name.replace("cmyk", "ycck") + ".jpg", bytes(data))
row("JPEG, one pixel; with EXIF rotation (ignored), with a colour profile (ignored)")
save("one_pixel.jpg", rgb.crop((0, 0, 1, 1)), format="JPEG")
exif = Image.Exif()
exif[0x0112] = 6
save("exif6.jpg", rgb, format="JPEG", exif=exif)
if icc:
    save("icc.jpg", rgb, format="JPEG", icc_profile=icc)
row("PNG, with EXIF rotation (ignored), with a colour profile (ignored)")
save("exif6.png", rgb, format="PNG", exif=exif)
if icc:
    save("icc.png", rgb, format="PNG", icc_profile=icc)
row("WebP, lossless")
save("lossless.webp", rgb, format="WEBP", lossless=True)
row("WebP, lossy")
save("lossy.webp", rgb, format="WEBP", quality=60)
save("lossy_95.webp", rgb, format="WEBP", quality=95)
row("WebP, alpha: lossless and lossy")
save("alpha.webp", rgba, format="WEBP", lossless=True, exact=True)
save("alpha_lossy.webp", rgba, format="WEBP", quality=70, exact=True)
row("WebP, first frame of an animation")
save("animated.webp", rgb, format="WEBP", lossless=True, save_all=True, append_images=[rgb.rotate(180)])
row("GIF, first frame: still, animated, interlaced, transparent, smaller than the screen")
save("still.gif", rgb.quantize(100), format="GIF", interlace=0)
save("interlaced.gif", rgb.quantize(100), format="GIF", interlace=1)
save("transparent.gif", rgb.quantize(30), format="GIF", transparency=3)
small = bytearray((folder / "still.gif").read_bytes())
small[6:10] = struct.pack("<HH", W + 7, H + 5)
keep("smaller_than_screen.gif", bytes(small))
small = bytearray((folder / "transparent.gif").read_bytes())
small[6:10] = struct.pack("<HH", W + 7, H + 5)
keep("smaller_transparent.gif", bytes(small))
save("first.gif", rgb.quantize(64), format="GIF", save_all=True, append_images=[grey.convert("P")])
row("BMP: 1, 4, 8, 24 and 32 bits")
save("rgb.bmp", rgb, format="BMP")
save("rgba.bmp", rgba, format="BMP")
save("grey.bmp", grey, format="BMP")
save("one.bmp", grey.convert("1"), format="BMP")
save("palette.bmp", rgb.quantize(200), format="BMP")
save("palette16.bmp", rgb.quantize(16), format="BMP")
row("BMP, 16 bits, top-down, OS/2 header")
info = struct.pack("<IiiHH", 40, W, -H, 1, 16)
pixels = b"".join(line.tobytes() + b"\0" * (-2 * W % 4) for line in rng.integers(0, 65536, (H, W)).astype("<u2"))
keep("555.bmp", b"BM" + struct.pack("<IIII", 0, 0, 54, 40) + info[4:] + struct.pack("<IIIIII", 0, 0, 0, 0, 0, 0) + pixels)
masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
keep("565.bmp", b"BM" + struct.pack("<IIII", 0, 0, 66, 40) + info[4:] + struct.pack("<IIIIII", 3, 0, 0, 0, 0, 0) + masks + pixels)
lines = b"".join(line.tobytes() + b"\0" * (-3 * W % 4) for line in smooth(3))
keep("core.bmp", b"BM" + struct.pack("<IIIIHHHH", 0, 0, 26, 12, W, H, 1, 24) + lines)
row("PNM: PBM, PGM and PPM, binary and text, 8 and 16 bits")
save("rgb.ppm", rgb, format="PPM")
save("grey.pgm", grey, format="PPM")
save("one.pbm", grey.convert("1"), format="PPM")
keep("max100.ppm", b"P6 # a comment\n%d %d\n100\n" % (W, H) + (smooth(3) % 101).tobytes())
keep("max1000.ppm", b"P6\n%d %d\n1000\n" % (W, H) + rng.integers(0, 1001, (H, W, 3)).astype(">u2").tobytes())
keep("max77.pgm", b"P5\n%d %d\n77\n" % (W, H) + (smooth(1) % 78).tobytes())
keep("max65535.pgm", b"P5\n%d %d\n65535\n" % (W, H) + rng.integers(0, 600, (H, W)).astype(">u2").tobytes())
keep("text.ppm", b"P3\n2 2\n255\n1 2 3  4 5 6\n7 8 9  250 251 252\n")
keep("text.pgm", b"P2\n3 1\n# so\n15\n0 7 15\n")
keep("text.pbm", b"P1\n3 2\n1 0 1\n0 1 0\n")
for name, compression in (("plain", None), ("lzw", "tiff_lzw"), ("deflate", "tiff_deflate"), ("packbits", "packbits")):
    row(f"TIFF, strips: {'LZW' if name == 'lzw' else name}")
    save(f"rgb_{name}.tiff", rgb, format="TIFF", compression=compression)
    save(f"grey_{name}.tif", grey, format="TIFF", compression=compression)
row("TIFF, strips: LZW with predictor")
save("rgb_lzw_predictor.tiff", rgb, format="TIFF", compression="tiff_lzw", tiffinfo={317: 2})
row("TIFF, strips: JPEG")
save("jpeg.tiff", rgb, format="TIFF", compression="jpeg")
row("TIFF: alpha, 1 bit, palette, CMYK, orientation (followed)")
save("rgba.tiff", rgba, format="TIFF")
save("one.tiff", grey.convert("1"), format="TIFF")
save("group4.tiff", grey.convert("1"), format="TIFF", compression="group4")
save("palette.tiff", rgb.quantize(64), format="TIFF")
save("cmyk.tiff", cmyk, format="TIFF")
save("exif6.tiff", rgb, format="TIFF", tiffinfo={274: 6})


def tiff(name, samples, order="<", tile=None, deflate=False, planar=False):
    """A TIFF written by hand, in strips of 8 rows or in tiles: kinds that Pillow does not write. `samples` [h, w, channels]."""
    h, w, channels = samples.shape
    depth = samples.dtype.itemsize
    planes = [samples[:, :, c : c + 1] for c in range(channels)] if planar else [samples]
    th, tw = tile if tile else (8, w)
    blocks = []
    for plane in planes:
        for top in range(0, h, th):
            for left in range(0, w, tw):
                part = plane[top : top + th, left : left + tw]
                if tile:
                    part = np.pad(part, ((0, th - part.shape[0]), (0, tw - part.shape[1]), (0, 0)))
                data = part.astype(samples.dtype.newbyteorder(order)).tobytes()
                blocks.append(zlib.compress(data) if deflate else data)
    tags = [
        (256, 4, [w]),
        (257, 4, [h]),
        (258, 3, [8 * depth] * channels),
        (259, 3, [8 if deflate else 1]),
        (262, 3, [2 if channels >= 3 else 1]),
        (277, 3, [channels]),
        (284, 3, [2 if planar else 1]),
    ]
    if tile:
        tags += [(322, 4, [tw]), (323, 4, [th]), (324, 4, [0] * len(blocks)), (325, 4, [len(b) for b in blocks])]
    else:
        tags += [(273, 4, [0] * len(blocks)), (278, 4, [th]), (279, 4, [len(b) for b in blocks])]
    tags.sort()
    out = bytearray((b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8))
    directory = 2 + 12 * len(tags) + 4
    end = 8 + directory + sum(4 * len(v) for _, _, v in tags)
    at, place = 8 + directory, end
    where = []
    for block in blocks:
        where.append(place)
        place += len(block)
    entries, extra = b"", b""
    for tag, type, values in tags:
        values = where if tag in (273, 324) else values
        data = struct.pack(order + ("H" if type == 3 else "I") * len(values), *values)
        if len(data) <= 4:
            entries += struct.pack(order + "HHI", tag, type, len(values)) + data.ljust(4, b"\0")
        else:
            entries += struct.pack(order + "HHII", tag, type, len(values), at + len(extra))
            extra += data
    out += struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "I", 0) + extra.ljust(end - 8 - directory, b"\0")
    keep(name, bytes(out) + b"".join(blocks))


row("TIFF, tiles: plain and deflate, both byte orders")
tiff("tiles.tiff", smooth(3), tile=(16, 32))
tiff("tiles_deflate_be.tiff", smooth(3), ">", tile=(16, 16), deflate=True)
tiff("tiles_grey.tiff", smooth(1), tile=(16, 16), deflate=True)
row("TIFF, big-endian strips")
tiff("strips_be.tiff", smooth(3), ">")
row("TIFF, planes apart")
tiff("planar.tiff", smooth(3), planar=True)
row("TIFF, 16 bits: grey")
save("grey16.tiff", Image.fromarray(rng.integers(0, 400, (H, W)).astype(np.uint16)), format="TIFF")
tiff("grey16_be.tiff", rng.integers(0, 400, (H, W, 1)).astype(np.uint16), ">")
row("TIFF, 16 bits: colour")
tiff("rgb16.tiff", rng.integers(0, 65536, (H, W, 3)).astype(np.uint16))
tiff("rgb16_be_tiles.tiff", rng.integers(0, 65536, (H, W, 3)).astype(np.uint16), ">", tile=(16, 16), deflate=True)
if features.check("avif"):
    for name in ("4:4:4", "4:2:2", "4:2:0"):
        row(f"AVIF, {name}")
        for quality in (40, 90):
            save(f"avif_{name.replace(':', '')}_{quality}.avif", rgb, format="AVIF", subsampling=name, quality=quality)
    row("AVIF, 4:2:0, a picture without fine detail")
    ramp = np.mgrid[0:H, 0:W]
    soft = np.stack([90 + ramp[1], 60 + 2 * ramp[0], 200 - ramp[0] - ramp[1]], -1).astype(np.uint8)
    save("soft.avif", Image.fromarray(soft), format="AVIF", subsampling="4:2:0", quality=90)
    row("AVIF, grey")
    save("grey.avif", grey, format="AVIF", subsampling="4:0:0", quality=80)
    row("AVIF, alpha")
    save("alpha.avif", rgba, format="AVIF", quality=80)
    row("AVIF, first frame of a sequence")
    save("sequence.avif", rgb, format="AVIF", quality=80, save_all=True, append_images=[rgb.rotate(180)])

(folder / "cases.json").write_text(json.dumps(cases))
(folder / "pillow.txt").write_text(PIL.__version__)
