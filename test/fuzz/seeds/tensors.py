"""Writes small real files, as torch, safetensors' format and the Python package make them: what fuzzing starts from.

usage: tensors.py FOLDER. FOLDER gets one folder for each target. The corpora in test/fixtures/fuzz came from these.
"""

import collections
import hashlib
import io
import json
import pathlib
import pickle
import struct
import sys
import zipfile
import zlib

import torch

root = pathlib.Path(sys.argv[1])
torch.manual_seed(0)


def keep(target, data):
    folder = root / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(data).hexdigest()[:16]).write_bytes(data)


def saved(value, **options):
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def safetensors(tensors, metadata=None):
    header, data = {}, b""
    if metadata is not None:
        header["__metadata__"] = metadata
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


x = torch.randn(2, 3)
linear = torch.nn.Linear(3, 2).state_dict()
values = {
    "tensor": x,
    "dict": {"W_enc": x, "b": torch.ones(2).bfloat16()},
    "state": linear,
    "views": {"t": x.t(), "row": x[1], "expanded": torch.ones(1).expand(4), "empty": torch.zeros(0, 3), "scalar": torch.tensor(1.5)},
    "kinds": {str(d): torch.zeros(2, dtype=d) for d in (torch.float64, torch.float16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool, torch.complex64)},
    "newer": {"f8": x.to(torch.float8_e4m3fn), "u16": torch.arange(3).to(torch.uint16)},
    "parameter": torch.nn.Parameter(x),
    "nested": {"epoch": 3, "lr": 1e-3, "none": None, "list": [x, (x,)], "opt": {0: {"m": x}}, "size": x.shape, "dev": torch.device("cpu"), "dt": torch.float32, "set": {1, 2}, "big": 2**70, "neg": -5, "text": "é"},
    "numbers": {"a": 1},
    "module": torch.nn.Linear(1, 1),
}
header = json.dumps({"schema": 1, "cfg": {"d_vit": 3, "exp_factor": 2, "sparsity_coeff": 0.1}}).encode() + b"\n"
for name, value in values.items():
    archive, stream = saved(value), saved(value, _use_new_zipfile_serialization=False)
    keep("torch-zip", archive)
    keep("zip", archive)
    keep("torch-stream", stream)
    keep("sae-pt", header + archive)
    keep("tensor-file", archive)
    keep("tensor-file", stream)
    keep("tensor-file", header + archive)
    keep("pickle", zipfile.ZipFile(io.BytesIO(archive)).read("archive/data.pkl"))
    keep("pickle", stream)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        for entry in zipfile.ZipFile(io.BytesIO(archive)).infolist():
            out.writestr(entry.filename, zipfile.ZipFile(io.BytesIO(archive)).read(entry))
    keep("zip", packed.getvalue())
    keep("tensor-file", packed.getvalue())
keep("torch-zip", saved(linear, pickle_protocol=4))
keep("torch-zip", saved(values["nested"], pickle_protocol=5))
keep("sae-pt", header + saved(values["dict"], _use_new_zipfile_serialization=False))
for level in (0, 1, 9):
    for data in (b"", b"a" * 700, bytes(range(256)) * 2, x.numpy().tobytes(), saved(linear)):
        packer = zlib.compressobj(level, zlib.DEFLATED, -15)
        keep("inflate", struct.pack("<I", len(data)) + packer.compress(data) + packer.flush())
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_FIXED)
    keep("inflate", struct.pack("<I", 60) + packer.compress(b"abcde" * 12) + packer.flush())
wide = io.BytesIO()
with zipfile.ZipFile(wide, "w", allowZip64=True) as out:
    with out.open("a/data.pkl", "w", force_zip64=True) as member:
        member.write(b"\x80\x02}.")
keep("zip", wide.getvalue())
for protocol in range(6):
    plain = collections.OrderedDict(a=[1, -1, 2**40, 2**80, 1.5, True, None, "é", b"x", (1, 2), {"k": {3}}])
    keep("pickle", pickle.dumps(plain, protocol=protocol))
    keep("pickle", pickle.dumps(dict(plain), protocol=protocol))

floats = b"\0" * 24
for data in (
    safetensors({"w": ("F32", [2, 3], floats)}),
    safetensors({"w": ("F16", [2, 6], floats), "b": ("I64", [3], floats), "e": ("U8", [0], b""), "s": ("BOOL", [], b"\1")}, {"format": "pt"}),
    safetensors({k: (k, [1], b"\0" * n) for k, n in (("F64", 8), ("BF16", 2), ("F8_E4M3", 1), ("F8_E5M2", 1), ("U16", 2), ("C64", 8), ("I8", 1))}),
    safetensors({}),
):
    keep("safetensors", data)
    keep("tensor-file", data)
    keep("json", data[8 : 8 + struct.unpack("<Q", data[:8])[0]])
for value in ({"format": 1, "status": "recording", "images_done": 12, "holes": [1, 5, 7]}, {"format": 1, "status": "complete", "images_done": 300, "holes": []}):
    text = json.dumps(value, indent=2).encode()
    keep("shard-status", text)
    keep("json", text)
keep("json", '{"é":"\\u00e9\\ud83d\\udcf7\\n","x":[1.5e3,-2,true,false,null,{"y":{}},"",0,1e-7]}'.encode())
lines = [f"{hashlib.sha256(str(i).encode()).hexdigest()}  acts{i:06d}.bin\n" for i in (0, 1, 12, 1234567)]
keep("checksums", "".join(lines).encode())
keep("checksums", (lines[0] + "# no checksum\n" + lines[1].strip()).encode())
