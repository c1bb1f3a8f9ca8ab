import { crc32 } from "node:zlib";

/** A pickle from a program, latin1; tensors are written as `(T[sizes]|[strides]|numel[|key]`. */
export function pickleOf(program: string): string {
  return `\x80\x02${program.startsWith("(T") ? `${tensorPickle(program)}.` : program}`;
}

export function tensorPickle(program: string): string {
  const [sizes, strides, numel, key = "0"] = program.slice(2).split("|") as [string, string, string, string?];
  const int = (text: string) =>
    text.startsWith("int32 ")
      ? `J${Buffer.from(Int32Array.of(Number(text.slice(6))).buffer).toString("latin1")}`
      : text === "max"
        ? `\x8a\x08${"\xff".repeat(7)}\x7f`
        : `K${String.fromCharCode(Number(text))}`;
  const tuple = (text: string) => `(${text.slice(1, -1).split(",").map(int).join("")}t`;
  const storage = `(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0${key}X\x03\0\0\0cpu${int(numel)}tQ`;
  return `ctorch._utils\n_rebuild_tensor_v2\n(${storage}K\0${tuple(sizes)}${tuple(strides)}\x89}tR`;
}

/** A zip of records, text as latin1, stored or as `pack` packs them. */
export function zipOf(
  records: Readonly<Record<string, string | Buffer>>,
  pack?: (bytes: Buffer) => Buffer,
): Buffer {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(records)) {
    const plain = typeof text === "string" ? Buffer.from(text, "latin1") : text;
    const data = pack ? pack(plain) : plain;
    const method = pack ? 8 : 0;
    const crc = crc32(plain);
    const local = Buffer.alloc(30 + name.length);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(method, 8);
    local.writeUInt32LE(crc, 14);
    local.writeUInt32LE(data.length, 18);
    local.writeUInt32LE(plain.length, 22);
    local.writeUInt16LE(name.length, 26);
    local.write(name, 30, "latin1");
    const entry = Buffer.alloc(46 + name.length);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(crc, 16);
    entry.writeUInt32LE(data.length, 20);
    entry.writeUInt32LE(plain.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    entry.write(name, 46, "latin1");
    central.push(entry);
    parts.push(local, data);
    offset += local.length + data.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(central.length, 8);
  end.writeUInt16LE(central.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, directory, end]);
}
