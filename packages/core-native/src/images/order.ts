/** Python's order of strings: by code point. (UTF-16 order differs above the BMP.) */
export const byCodePoint =
  <T>(key: (value: T) => string) =>
  (a: T, b: T): number =>
    Buffer.compare(Buffer.from(key(a)), Buffer.from(key(b)));
