/** Readers that take a path: each input becomes a file in a folder in memory. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { ParquetFile } from "../../../packages/core-native/src/datasets/parquet-file.js";
import { readList } from "../../../packages/core-native/src/datasets/read-list.js";
import { tarMembers } from "../../../packages/core-native/src/datasets/tar-members.js";
import { WebDataset } from "../../../packages/core-native/src/datasets/web-dataset.js";
import { SaevError } from "../../../packages/core-native/src/errors.js";
import { loadCheckpoint } from "../../../packages/core-native/src/sae/checkpoint.js";
import { readChecksums } from "../../../packages/core-native/src/shards/checksums.js";
import { readPreprocessing } from "../../../packages/core-native/src/shards/preprocessing.js";
import { ShardFolder } from "../../../packages/core-native/src/shards/shard-folder.js";
import { check, type FuzzTarget } from "../target.js";

/** "NOT_FOUND" of a file that another file names is no mistake. */
async function orAbsent(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof SaevError && error.code === "NOT_FOUND")) throw error;
  }
}

export const tar: FuzzTarget = {
  name: "tar",
  files: ["datasets/tar-members.ts", "datasets/web-dataset.ts"],
  maxBytes: 8192,
  words: [
    "ustar\0",
    "ustar  \0",
    "././@LongLink",
    "0000644\0",
    "00000000144\0",
    "77777777777\0",
    "\x80\0\0\0\0\0\0\0",
    "\xff\xff\xff\xff\xff\xff\xff\xff",
    "20 path=a/b.jpg\n",
    "20 size=12345678901\n",
    "0001.jpg",
    "0001.cls",
    "0001.json",
    "../../etc/x.jpg",
    "\0".repeat(512),
  ],
  batch: 256,
  async run(bytes, folder) {
    const file = path.join(folder, "a.tar");
    await writeFile(file, repaired(bytes));
    for await (const { offset, size } of tarMembers(file))
      check(offset >= 0 && size >= 0 && offset + size <= bytes.length, "a member lies outside the archive");
    await orAbsent(async () => {
      const dataset = await WebDataset.open(file);
      for (let i = 0; i < dataset.length; i++) {
        check(typeof (await dataset.label(i)) === "string", "a label is no text");
        check((await dataset.image(i)).length <= bytes.length, "a picture larger than the archive");
      }
    });
  },
};

/** Checksums of headers made right, in half of the inputs: mutations hardly ever pass them. */
function repaired(bytes: Uint8Array): Uint8Array {
  if (bytes.length % 2 === 1) return bytes;
  const out = Buffer.from(bytes);
  for (let at = 0; at + 512 <= out.length; at += 512) {
    if (out.toString("latin1", at + 257, at + 262) !== "ustar") continue;
    out.write("        ", at + 148, "latin1");
    const sum = out.subarray(at, at + 512).reduce((a, b) => a + b, 0);
    out.write(`${sum.toString(8).padStart(6, "0")}\0 `, at + 148, "latin1");
  }
  return out;
}

const readsList = (extension: string, words: readonly string[]): FuzzTarget => ({
  name: `list-${extension}`,
  files: ["datasets/read-list.ts"],
  maxBytes: 4096,
  words: ["path", "label", "file_name", "\n", "\r\n", "\uFEFF", "a.jpg", ...words],
  batch: 256,
  async run(bytes, folder) {
    const file = path.join(folder, `list.${extension}`);
    await writeFile(file, bytes);
    for (const row of await readList(file, { pathColumn: "", labelColumn: "" }))
      check(typeof row.file === "string" && typeof row.label === "string", "a row without a path");
  },
});
export const listCsv = readsList("csv", [",", '"', '""', ",,,,"]);
export const listJsonl = readsList("jsonl", ['{"path":"a.jpg","label":1}', "{}", "null", '{"__proto__":{}}']);

export const parquet: FuzzTarget = {
  name: "parquet",
  files: [
    "datasets/parquet-file.ts",
    "hyparquet/src/thrift.js",
    "hyparquet/src/metadata.js",
    "hyparquet/src/column.js",
    "hyparquet/src/datapage.js",
    "hyparquet/src/encoding.js",
    "hyparquet/src/plain.js",
  ],
  maxBytes: 8192,
  words: [
    "PAR1",
    "\x15\x02",
    "\x15\x80\x80\x80\x80\x10",
    "\x19\x1c",
    "image",
    "label",
    "bytes",
    "\xff\xff\xff\x7f",
  ],
  batch: 256,
  async run(bytes, folder) {
    const file = path.join(folder, "a.parquet");
    await writeFile(file, bytes);
    const table = await ParquetFile.open(file);
    const columns = table.columns.map(({ name }) => name);
    let from = 0;
    for (const rows of table.groups) {
      await table.read(columns, from, from + Math.min(rows, 16));
      from += rows;
    }
  },
};

const wholeNumbers = ["0", "-1", "1", "9007199254740993", "1e999", "null", "[]", "{}", '""'];

/** metadata.json, then shards.json, saev.json, SHA256SUMS and preprocessing.json, parted by lines of "----". */
export const shardFolder: FuzzTarget = {
  name: "shard-folder",
  files: [
    "shards/shard-folder.ts",
    "shards/protocol21.ts",
    "shards/shard-status.ts",
    "shards/layout.ts",
    "shards/checksums.ts",
    "shards/preprocessing.ts",
    "config/src/metadata.ts",
  ],
  maxBytes: 4096,
  words: [
    '"vit_family"',
    '"n_imgs":',
    '"layers":',
    '"cls_token":',
    '"family"',
    '"protocol":"2.1"',
    '"n_examples":',
    '"name":"acts000000.bin"',
    '"format":1',
    '"status":"complete"',
    '"holes":[',
    ...wholeNumbers,
  ],
  batch: 128,
  async run(bytes, folder) {
    const parts = Buffer.from(bytes).toString("latin1").split("\n----\n");
    const names = ["metadata.json", "shards.json", "saev.json", "SHA256SUMS", "preprocessing.json"];
    await Promise.all(names.map((name, i) => writeFile(path.join(folder, name), parts[i] ?? "", "latin1")));
    const shards = await ShardFolder.open(folder);
    check(Number.isSafeInteger(shards.bytesPerShard) && shards.bytesPerShard > 0, "shards of no size");
    check(
      shards.imagesDone >= 0 && shards.imagesDone <= shards.metadata.n_imgs,
      "more images than there are",
    );
    check(/^[0-9a-f]+$/.test(shards.hash), "a hash that is none");
    for (const hex of (await readChecksums(folder)).values())
      check(hex.length === 64, "a checksum that is none");
    if (parts[4] === undefined) return;
    const transform = await readPreprocessing(folder);
    check(
      transform !== undefined && transform.width > 0 && transform.std[0] > 0,
      "a preprocessing that is none",
    );
  },
};

export const saeHeader: FuzzTarget = {
  name: "sae-header",
  files: ["io/sae-file.ts", "sae/checkpoint.ts"],
  maxBytes: 8192,
  words: [
    '{"schema":1,',
    '"cfg":{',
    '"d_vit":',
    '"d_sae":',
    '"exp_factor":',
    '"activation":',
    '"top_k":',
    '"params":',
    '"cls":"BatchTopK"',
    '"key":"top-k"',
    "\n",
    ...wholeNumbers,
  ],
  batch: 128,
  async run(bytes, folder) {
    const file = path.join(folder, "sae.pt");
    await writeFile(file, bytes);
    try {
      const { sae } = await loadCheckpoint(file);
      sae.dispose();
    } catch (error) {
      // A weight that is not finite has a code of its own.
      if (!(error instanceof SaevError && error.code === "NUMERIC")) throw error;
    }
  },
};
