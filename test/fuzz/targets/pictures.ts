import { SaevError } from "../../../packages/core-native/src/errors.js";
import { decodeBmp } from "../../../packages/core-native/src/images/bmp.js";
import { decodeImage } from "../../../packages/core-native/src/images/decode.js";
import type { Pixels } from "../../../packages/core-native/src/images/pixels.js";
import { decodePnm } from "../../../packages/core-native/src/images/pnm.js";
import { check, type FuzzTarget } from "../target.js";

/** Pictures of fuzzing are small: larger ones cost time and find nothing. */
const maxPixels = 65_536;

const checkSize = (width: number, height: number) => {
  if (width * height > maxPixels) throw new SaevError("BAD_FILE", "more pixels than the limit");
};

function whole({ data, width, height }: Pixels): void {
  check(width >= 1 && height >= 1 && width * height <= maxPixels, `${width} × ${height} pixels`);
  check(data.length === width * height * 3, `${data.length} bytes for ${width} × ${height} pixels`);
}

export const bmp: FuzzTarget = {
  name: "bmp",
  files: ["images/bmp.ts", "images/byte-reader.ts"],
  maxBytes: 4096,
  words: [
    "BM",
    "\x28\0\0\0",
    "\x0c\0\0\0",
    "\x7c\0\0\0",
    "\x03\0\0\0",
    "\x06\0\0\0",
    "\x01\0\x01\0",
    "\x01\0\x04\0",
    "\x01\0\x08\0",
    "\x01\0\x10\0",
    "\x01\0\x18\0",
    "\x01\0\x20\0",
    "\xff\xff\xff\xff",
  ],
  batch: 512,
  run: (bytes) => whole(decodeBmp(bytes, "the picture", checkSize)),
};

export const pnm: FuzzTarget = {
  name: "pnm",
  files: ["images/pnm.ts", "images/byte-reader.ts"],
  maxBytes: 4096,
  words: ["P1", "P2", "P3", "P4", "P5", "P6", "\n", " ", "# \n", "255", "65535", "0", "1", "256"],
  batch: 512,
  // The magic number is checked before the decoder is chosen.
  run: (bytes) => {
    if (bytes[0] === 0x50 && bytes[1]! >= 0x31 && bytes[1]! <= 0x36)
      whole(decodePnm(bytes, "the picture", checkSize));
  },
};

/** Every format, end to end: the decoders of sharp are libraries, and must not take the process down. */
export const images: FuzzTarget = {
  name: "images",
  files: ["images/decode.ts", "images/format.ts", "images/bmp.ts", "images/pnm.ts"],
  maxBytes: 8192,
  words: [
    "\xff\xd8\xff",
    "\xff\xc0",
    "\xff\xc2",
    "\xff\xee\0\x0eAdobe",
    "IHDR",
    "PLTE",
    "tRNS",
    "IDAT",
    "acTL",
    "RIFF",
    "VP8 ",
    "VP8L",
    "VP8X",
    "ALPH",
    "GIF89a",
    "II*\0",
    "MM\0*",
    "\x42\x01\x03\0",
    "ftypavif",
    "ispe",
    "av1C",
    "<svg ",
    "\x89PNG\r\n\x1a\n",
  ],
  batch: 256,
  run: async (bytes) => whole(await decodeImage(bytes, { maxPixels })),
};
