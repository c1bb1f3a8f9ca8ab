/** Commits every misuse in turn and prints how each ended, one JSON line each. Runs in a process of its own. */
import { SaevError } from "@saev/core";
import type { Misuse } from "./misuse.js";
import { allMisuses } from "./misuses.js";

process.chdir(process.argv[2] ?? ".");

/** What is wrong with how it ended; undefined when it ended as it should. */
async function commit({ run, ends }: Misuse): Promise<string | undefined> {
  try {
    await run();
  } catch (error) {
    if (ends === "quietly") return `threw ${error}`;
    if (ends === "reason")
      return error instanceof Error && error.message === "the caller's reason" ? undefined : `threw ${error}`;
    if (!(error instanceof SaevError)) return `threw ${error}, no SaevError`;
    if (!ends.includes(error.code)) return `code ${error.code}: ${error.message}`;
    if (error.message === "" || error.message.includes("\n")) return `not one line: ${error.message}`;
    return undefined;
  }
  return ends === "quietly" ? undefined : "nothing was thrown";
}

for (const misuse of await allMisuses()) {
  console.log(JSON.stringify({ begin: misuse.what }));
  console.log(JSON.stringify({ what: misuse.what, problem: await commit(misuse) }));
}
