import { mkdirSync, writeFileSync } from "node:fs";
import { readSaeFile, readTensor, TensorFile, writeSafetensors, writeTensor, writeTensors } from "@saev/core";
import { aborted, gone, type Misuse, ones, wrong } from "../misuse.js";

/** A file with this content, in the working folder. */
function file(name: string, content: string | Uint8Array): string {
  writeFileSync(name, content);
  return name;
}

async function closed(): Promise<TensorFile> {
  await writeTensors("closed.pt", { a: ones() });
  const opened = await TensorFile.open("closed.pt");
  opened.dispose();
  return opened;
}

/** A safetensors file whose header says `header`. */
function safetensors(name: string, header: string, bytes = 24): string {
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return file(name, Buffer.concat([length, text, Buffer.alloc(bytes)]));
}

const f32 = (shape: string, from: number, to: number) =>
  `{"a":{"dtype":"F32","shape":${shape},"data_offsets":[${from},${to}]}}`;

export const misuses: readonly Misuse[] = [
  { what: "opening a file that is not there", run: () => TensorFile.open("none.pt"), ends: ["NOT_FOUND"] },
  { what: "opening a folder", run: () => TensorFile.open("."), ends: ["IO", "BAD_FILE", "NOT_FOUND"] },
  { what: "opening an empty file", run: () => TensorFile.open(file("empty.pt", "")), ends: ["BAD_FILE"] },
  { what: "opening text", run: () => TensorFile.open(file("text.pt", "hello, world")), ends: ["BAD_FILE"] },
  {
    what: "a path with a zero byte",
    run: () => TensorFile.open("a\0b"),
    ends: ["INVALID_ARGUMENT", "NOT_FOUND", "IO"],
  },
  { what: "a path that is no text", run: () => TensorFile.open(wrong(3)), ends: ["INVALID_ARGUMENT"] },
  {
    what: "an offset past the end",
    run: () => TensorFile.open(file("short.pt", "PK"), { offset: 1e6 }),
    ends: ["BAD_FILE", "INVALID_ARGUMENT"],
  },
  {
    what: "a negative offset",
    run: () => TensorFile.open(file("minus.pt", "PK"), { offset: -1 }),
    ends: ["INVALID_ARGUMENT", "BAD_FILE"],
  },
  {
    what: "a name that the file has not",
    run: async () => {
      await writeTensors("one.pt", { a: ones() });
      return (await TensorFile.open("one.pt")).get("b");
    },
    ends: ["NOT_FOUND"],
  },
  {
    what: "reading a file that was disposed",
    run: async () => (await closed()).get("a"),
    ends: ["DISPOSED"],
  },
  {
    what: "a header longer than the file",
    run: () => TensorFile.open(safetensors("long.safetensors", f32("[2,3]", 0, 24)).replace("long", "none")),
    ends: ["NOT_FOUND"],
  },
  {
    what: "a shape that lies about its bytes",
    run: () => TensorFile.open(safetensors("lie.safetensors", f32("[200,3]", 0, 24))),
    ends: ["BAD_FILE"],
  },
  {
    what: "data past the end of the file",
    run: () => TensorFile.open(safetensors("past.safetensors", f32("[2,3]", 1000, 1024))),
    ends: ["BAD_FILE"],
  },
  {
    what: "a header that is no JSON",
    run: () => TensorFile.open(safetensors("json.safetensors", "{oops")),
    ends: ["BAD_FILE"],
  },
  {
    what: "one tensor of several",
    run: async () => {
      await writeTensors("two.pt", { a: ones(), b: ones() });
      return readTensor("two.pt");
    },
    ends: ["BAD_FILE"],
  },
  {
    what: "reading with a signal that was aborted before",
    run: () => readTensor("two.pt", { signal: aborted() }),
    ends: "reason",
  },
  {
    what: "a checkpoint without its first line",
    run: () => readSaeFile(file("sae.pt", "no json\nPK")),
    ends: ["BAD_FILE"],
  },
  {
    what: "writing into a folder that is not there",
    run: () => writeTensor("none/at/all.pt", ones()),
    ends: ["NOT_FOUND", "IO"],
  },
  {
    what: "writing over a folder",
    run: () => {
      mkdirSync("folder.pt", { recursive: true });
      return writeTensor("folder.pt", ones());
    },
    ends: ["IO"],
  },
  {
    what: "writing to a device that is full",
    run: () => writeTensor("/dev/full/a.pt", ones()),
    ends: ["NOT_FOUND", "IO"],
  },
  { what: "writing a disposed tensor", run: () => writeTensor("never.pt", gone()), ends: ["DISPOSED"] },
  {
    what: "writing something else than a tensor",
    run: () => writeTensors("never.pt", { a: wrong({ handle: {} }) }),
    ends: ["WRONG_HANDLE"],
  },
  {
    what: "writing a disposed tensor among others",
    run: () => writeSafetensors("never.safetensors", { a: ones(), b: gone() }),
    ends: ["DISPOSED"],
  },
];
