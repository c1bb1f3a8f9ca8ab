import { spawnSync } from "node:child_process";

/** Runs `node -e CODE` and gives what it prints. */
export function runNode(code: string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}
