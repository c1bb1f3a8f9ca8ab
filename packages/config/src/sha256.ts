/** SHA-256 of a text's UTF-8 bytes. node:crypto costs several milliseconds to load, so only who hashes pays. */
export function sha256(text: string): Buffer {
  return process.getBuiltinModule("node:crypto").createHash("sha256").update(text).digest();
}
