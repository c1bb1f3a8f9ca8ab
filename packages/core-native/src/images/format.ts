/** Formats that are decoded, as messages call them. */
export const readFormats = ["JPEG", "PNG", "WebP", "GIF", "TIFF", "AVIF", "BMP", "PNM"] as const;
export type ReadFormat = (typeof readFormats)[number];

/** What begins with these bytes, the first that fits. `at` is where they stand, 0 unless given. */
const signatures: readonly { readonly format: string; readonly bytes: string; readonly at?: number }[] = [
  { format: "JPEG", bytes: "\xff\xd8\xff" },
  { format: "PNG", bytes: "\x89PNG\r\n\x1a\n" },
  { format: "GIF", bytes: "GIF87a" },
  { format: "GIF", bytes: "GIF89a" },
  { format: "WebP", bytes: "WEBP", at: 8 },
  { format: "TIFF", bytes: "II*\0" },
  { format: "TIFF", bytes: "MM\0*" },
  { format: "TIFF", bytes: "II+\0" },
  { format: "TIFF", bytes: "MM\0+" },
  { format: "BMP", bytes: "BM" },
  ...["1", "2", "3", "4", "5", "6"].map((kind) => ({ format: "PNM", bytes: `P${kind}` })),
  { format: "JPEG 2000", bytes: "\0\0\0\x0cjP  " },
  { format: "JPEG 2000", bytes: "\xff\x4f\xff\x51" },
  { format: "JPEG XL", bytes: "\0\0\0\x0cJXL " },
  { format: "JPEG XL", bytes: "\xff\x0a" },
  { format: "Photoshop (PSD)", bytes: "8BPS" },
  { format: "Windows icon", bytes: "\0\0\x01\0" },
  { format: "Windows cursor", bytes: "\0\0\x02\0" },
  { format: "Apple icon", bytes: "icns" },
  { format: "DDS", bytes: "DDS " },
  { format: "QOI", bytes: "qoif" },
  { format: "PCX", bytes: "\x0a\x05\x01" },
  { format: "OpenEXR", bytes: "\x76\x2f\x31\x01" },
  { format: "Radiance HDR", bytes: "#?RADIANCE" },
  { format: "PAM", bytes: "P7\n" },
  { format: "PFM", bytes: "PF\n" },
  { format: "PFM", bytes: "Pf\n" },
  { format: "FITS", bytes: "SIMPLE  =" },
  { format: "DICOM", bytes: "DICM", at: 128 },
  { format: "PDF", bytes: "%PDF" },
  { format: "a NumPy array", bytes: "\x93NUMPY" },
  { format: "a gzip file", bytes: "\x1f\x8b" },
  { format: "a zip file", bytes: "PK\x03\x04" },
];

/** Where "ftyp" says what an ISO media file holds: the main brand, then those it is compatible with. */
const brandNames: Readonly<Record<string, string>> = {
  avif: "AVIF",
  avis: "AVIF",
  heic: "HEIC",
  heix: "HEIC",
  heim: "HEIC",
  heis: "HEIC",
  hevc: "HEIC",
  hevx: "HEIC",
  mif1: "HEIF",
  msf1: "HEIF",
  "crx ": "Canon CR3",
  isom: "a video",
  mp41: "a video",
  mp42: "a video",
  "qt  ": "a video",
};

/** The format that a file's first bytes name, whether it is read or not; undefined for bytes that nobody knows. */
export function formatOf(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.subarray(0, 512)).toString("latin1");
  if (start.startsWith("ftyp", 4)) return isoFormat(bytes, start);
  const known = signatures.find((s) => start.startsWith(s.bytes, s.at ?? 0));
  if (known) return known.format;
  const text = start
    .replace(/^\xef\xbb\xbf/, "")
    .trimStart()
    .toLowerCase();
  if (/^<(!doctype )?html/.test(text)) return "a web page (HTML)";
  if (text.startsWith("<svg") || (text.startsWith("<?xml") && text.includes("<svg"))) return "SVG";
  if (text.startsWith("<?xml")) return "XML";
  return undefined;
}

/** What is recognised and holds no picture at all, such as the page that a server sent instead. */
export const notPictures: ReadonlySet<string> = new Set([
  "a web page (HTML)",
  "XML",
  "a NumPy array",
  "a gzip file",
  "a zip file",
  "a video",
]);

export const isRead = (format: string): format is ReadFormat =>
  (readFormats as readonly string[]).includes(format);

function isoFormat(bytes: Uint8Array, start: string): string {
  const end = Math.min(start.length, new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0));
  const brands = [start.slice(8, 12)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(start.slice(at, at + 4));
  if (brands.some((brand) => brandNames[brand] === "AVIF")) return "AVIF";
  return brands.map((brand) => brandNames[brand]).find((name) => name !== undefined) ?? "an ISO media file";
}
