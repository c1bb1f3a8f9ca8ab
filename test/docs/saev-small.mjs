// What `saev` is where blocks of the documentation are run: the command itself, with trainings made short and without a
// browser.
//   node saev-small.mjs WORD…
import { spawn } from "node:child_process";
import path from "node:path";
import { pathToFileURL } from "node:url";

const binary = path.resolve(import.meta.dirname, "../../packages/cli/bin/saev.js");
const [command, ...rest] = process.argv.slice(2);
const words = [...rest];

/** Gives a flag of a command a value where it has none, or where its number is larger. */
function atMost(flag, most) {
  const at = words.indexOf(flag);
  if (at < 0) words.unshift(flag, String(most));
  else if (Number(words[at + 1].replaceAll("_", "")) > most) words[at + 1] = String(most);
}
const given = (...flags) => flags.some((flag) => words.includes(flag));

if (command === "train" && !given("--help")) {
  // An extended run is twice as long.
  atMost("--n-patches", given("--resume") ? 4000 : 2000);
  if (!given("--resume")) atMost("--sae-batch-size", 100);
  if (!given("--resume", "--data.live")) atMost("--data.n-random-samples", 1000);
  if (given("--sae.d-sae")) atMost("--sae.d-sae", 500);
  else if (!given("--resume", "--sweep")) atMost("--sae.exp-factor", 2);
  const kind = words.findIndex((word) => word.startsWith("sae:"));
  // The default samples more rows than there are here.
  if (!given("--sae.n-reinit-samples", "--resume", "--sweep"))
    if (kind >= 0) words.splice(kind + 1, 0, "--sae.n-reinit-samples", "1000");
    else words.push("sae:relu", "--sae.n-reinit-samples", "1000");
  else if (given("--sae.n-reinit-samples")) atMost("--sae.n-reinit-samples", 1000);
}
if (command === "activations" && !given("--help")) atMost("--n-patches-per-shard", 2000);
if (command === "visuals") {
  atMost("--n-latents", 4);
  atMost("--top-k", 4);
  atMost("--n-distributions", 2);
}
// The thousands of words of the default are read once, by the command without anything.
if (command === "names" && given("--latents") && !given("--vocabulary"))
  words.push("--vocabulary", "birds.txt");
if (command === "evaluate" && !given("--help")) atMost("--n-images", 4);
if (command === "explore") explore();
else {
  // In this process: a second one would take longer to start than most commands take.
  process.argv = [process.execPath, binary, ...(command === undefined ? [] : [command]), ...words];
  await import(pathToFileURL(binary).href);
}

/** Opens the address that `saev explore` prints, as a browser does, and ends it. */
function explore() {
  const line = [binary, command, ...words, "--no-open"];
  const child = spawn(process.execPath, line, { stdio: ["ignore", "pipe", "inherit"] });
  child.stdout.on("data", async (piece) => {
    process.stdout.write(piece);
    const [address] = /http:\/\/\S+/.exec(piece.toString()) ?? [];
    if (address === undefined) return;
    // The token's address answers with a cookie, as for a browser.
    const first = await fetch(address, { redirect: "manual" });
    const cookie = first.headers.get("set-cookie")?.split(";")[0] ?? "";
    const { ok, status } = await fetch(new URL("/", address), { headers: { cookie } });
    if (!ok) console.error(`${address}: ${status}`);
    child.kill(ok ? "SIGINT" : "SIGKILL");
  });
  child.on("close", (code, signal) => {
    process.exitCode = code === 130 ? 0 : (code ?? (signal ? 1 : 0));
  });
}
