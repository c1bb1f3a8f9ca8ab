import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDataset } from "../images/image-dataset.js";
import { type TarMember, tarMembers } from "./tar-members.js";
import { WebDataset } from "./web-dataset.js";

const pictures = path.resolve(import.meta.dirname, "../../../../test/fixtures/datasets/paths/pictures");
const picture = (i: number) => readFileSync(path.join(pictures, `${i}.png`));
const long = `${"deep/".repeat(30)}${"n".repeat(120)}`;

let root: string;
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), "saev-tar-"));
});
afterAll(() => rmSync(root, { recursive: true }));

/** An archive of these files, in this order, by the system's tar. */
function archive(name: string, files: Readonly<Record<string, Buffer | string>>, format = "ustar"): string {
  const folder = mkdtempSync(path.join(root, "files-"));
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(folder, file), content);
  }
  const tar = path.join(root, name);
  mkdirSync(path.dirname(tar), { recursive: true });
  execFileSync("tar", [`--format=${format}`, "-Pcf", tar, "-C", folder, "--", ...Object.keys(files)]);
  return tar;
}

async function members(tar: string): Promise<TarMember[]> {
  const all = [];
  for await (const member of tarMembers(tar)) all.push(member);
  return all;
}

describe("tarMembers", () => {
  it.each(["ustar", "gnu", "pax", "v7"])(
    "finds names and bytes in archives of tar --format=%s",
    async (format) => {
      const files = {
        "a.txt": "",
        "b/ünï.bin": Buffer.alloc(1300, 7),
        ...(format === "gnu" || format === "pax" ? { [`${long}.png`]: picture(1) } : {}),
        "c.txt": "last",
      };
      const tar = archive(`${format}.tar`, files, format);
      const found = await members(tar);
      const bytes = readFileSync(tar);
      expect(found.map((m) => [m.name, bytes.subarray(m.offset, m.offset + m.size).toString("hex")])).toEqual(
        Object.entries(files).map(([name, content]) => [name, Buffer.from(content).toString("hex")]),
      );
    },
  );

  it("passes over folders and links, and reads archives without an end", async () => {
    const folder = mkdtempSync(path.join(root, "links-"));
    mkdirSync(path.join(folder, "sub"));
    symlinkSync("/etc/hostname", path.join(folder, "a.png"));
    writeFileSync(path.join(folder, "b.png"), picture(0));
    const tar = path.join(root, "links.tar");
    execFileSync("tar", ["-cf", tar, "-C", folder, "a.png", "sub", "b.png"]);
    const [only, ...none] = await members(tar);
    expect([only!.name, none]).toEqual(["b.png", []]);
    truncateSync(tar, only!.offset + Math.ceil(only!.size / 512) * 512);
    expect(await members(tar)).toEqual([only]);
  });

  it("refuses what is cut, compressed, empty or none, and never looks beyond the end", async () => {
    const tar = archive("whole.tar", { "a.png": picture(0), "b.png": picture(1) });
    const bytes = readFileSync(tar);
    const write = (name: string, content: Buffer) => {
      writeFileSync(path.join(root, name), content);
      return members(path.join(root, name));
    };
    await expect(write("cut.tar", bytes.subarray(0, 1100))).rejects.toThrow(
      /at byte 1024, found an archive that ends at 1100/,
    );
    await expect(write("gz.tar", gzipSync(bytes))).rejects.toThrow(/unpack it with gunzip|ends at/);
    await expect(write("empty.tar", Buffer.alloc(0))).rejects.toThrow("found an empty file");
    await expect(write("text.tar", Buffer.alloc(2048, "text"))).rejects.toThrow(
      "at byte 0, found other bytes",
    );
    await expect(members(path.join(root, "none.tar"))).rejects.toMatchObject({ code: "NOT_FOUND" });
    // A size of 2^60 bytes, in binary, with a right checksum.
    const liar = Buffer.from(bytes);
    liar.fill(0, 124, 136);
    liar[124] = 0x80;
    liar[128] = 0x10;
    let sum = 256;
    for (let i = 0; i < 512; i++) if (i < 148 || i >= 156) sum += liar[i]!;
    liar.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    await expect(write("liar.tar", liar)).rejects.toThrow(/ends beyond the \d+ bytes of the archive/);
  });

  it("survives damage anywhere", async () => {
    const bytes = readFileSync(
      archive("sound.tar", { [`${long}.png`]: picture(1), "b.cls": "1", "c.png": picture(2) }, "gnu"),
    );
    const file = path.join(root, "damaged.tar");
    let failed = 0;
    for (let at = 0; at < 3500; at += 7) {
      const damaged = Buffer.from(bytes);
      damaged[at] = damaged[at]! ^ (1 << (at % 8));
      writeFileSync(file, damaged);
      try {
        for (const { offset, size } of await members(file))
          expect(offset + size).toBeLessThanOrEqual(bytes.length);
      } catch (error) {
        failed++;
        expect((error as Error).name, String((error as Error).stack)).toBe("SaevError");
      }
    }
    expect(failed).toBeGreaterThan(100);
  });
});

describe("WebDataset", () => {
  it("gives the samples of all archives in order, with labels from .cls, .json and .txt", async () => {
    archive("set/train-000001.tar", {
      "x/0.json": '{"id": 4, "label": 2}',
      "x/0.png": picture(0),
      "1.v2.png": picture(1),
    });
    archive("set/train-000000.tar", {
      "../readme.md": "not a picture",
      "a.png": picture(0),
      "a.cls": "1\n",
      "b.cls": "0",
      "b.png": picture(1),
      "c.png": picture(2),
      "c.txt": "a tiny\n  ellipse\n",
      "d.json": '{"class": "newt"}',
      "d.jpeg": picture(1),
      "e.png": picture(2),
    });
    writeFileSync(path.join(root, "set/classes.txt"), "cat\nsnowy owl\nox\n");
    writeFileSync(path.join(root, "set/notes.txt"), "");
    const dataset = await openDataset({ kind: "webdataset-dataset", tars: path.join(root, "set") });
    expect(dataset.length).toBe(7);
    expect(dataset.classes).toEqual(["cat", "snowy owl", "ox"]);
    const labels = await Promise.all(Array.from({ length: 7 }, (_, i) => dataset.label(i)));
    expect(labels).toEqual(["snowy owl", "cat", "a tiny ellipse", "newt", "", "ox", ""]);
    const which = [0, 1, 2, 1, 2, 0, 1];
    for (const [i, n] of which.entries())
      expect(Buffer.from((await dataset.image(i)) as Uint8Array)).toEqual(picture(n));
    expect(path.relative(dataset.root, dataset.where(5))).toBe("train-000001.tar#x/0.png");
    await expect(dataset.image(7)).rejects.toThrow("there is no image 7");
  });

  it("takes patterns, counted ranges and single archives", async () => {
    const of = (name: string) => WebDataset.open(path.join(root, "set", name)).then((set) => set.length);
    expect(await of("train-*.tar")).toBe(7);
    expect(await of("train-{000000..000001}.tar")).toBe(7);
    expect(await of("train-{000001..000001}.tar")).toBe(2);
    expect(await of("train-000000.tar")).toBe(5);
    await expect(of("*.zip")).rejects.toThrow(
      "expected a folder with *.tar, a pattern, or an archive, found nothing",
    );
    await expect(WebDataset.open(pictures)).rejects.toThrow("found no *.tar in it");
    await expect(of("train-{3..1}.tar")).rejects.toThrow("expected a range such as {000..015}");
    archive("bare.tar", { "a.cls": "1" });
    await expect(WebDataset.open(path.join(root, "bare.tar"))).rejects.toThrow(
      "expected archives with pictures",
    );
  });

  it("says which label cannot be read", async () => {
    const tar = archive("labels.tar", {
      "a.png": picture(0),
      "a.json": "{",
      "b.png": picture(1),
      "b.json": "null",
    });
    const dataset = await WebDataset.open(tar);
    await expect(dataset.label(0)).rejects.toThrow(`${tar}#a.json: expected JSON`);
    expect(await dataset.label(1)).toBe("");
  });
});
