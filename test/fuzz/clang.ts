import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

/** Sanitizers stop at the first fault, undefined behaviour included. */
export const sanitizers = [
  "-fsanitize=fuzzer,address,undefined",
  "-fno-sanitize=vptr",
  "-fno-sanitize-recover=all",
];

const candidates = [
  process.env.SAEV_CLANGXX,
  "clang++",
  ...Array.from({ length: 12 }, (_, i) => `clang++-${25 - i}`),
].filter((name) => name !== undefined && name !== "");

/** The first clang++ that links libFuzzer and the sanitizers. @throws Error that says what to install. */
export function findClang(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), "saev-clang-"));
  const found: string[] = [];
  try {
    const probe = path.join(folder, "probe.cc");
    writeFileSync(
      probe,
      '#include <cstdint>\n#include <cstddef>\nextern "C" int LLVMFuzzerTestOneInput(const uint8_t*, size_t) { return 0; }\n',
    );
    for (const clang of candidates) {
      if (spawnSync(clang!, ["--version"], { stdio: "ignore" }).status !== 0) continue;
      found.push(clang!);
      const args = ["-std=c++20", ...sanitizers, probe, "-o", path.join(folder, "probe")];
      if (spawnSync(clang!, args, { stdio: "ignore" }).status === 0) return clang!;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const what =
    found.length === 0
      ? "clang++ is missing"
      : `${found.join(", ")} cannot link libFuzzer and the sanitizers (compiler-rt is missing)`;
  throw new Error(
    `${what}; on Debian and Ubuntu: apt-get install clang-14 libclang-rt-14-dev (or a newer pair); SAEV_CLANGXX names another clang++. ` +
      "`npm test` runs the committed corpora without it.",
  );
}
