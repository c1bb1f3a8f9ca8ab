// Finds libtorch for a flavour, or fetches it, and says which one it took.
//   node scripts/libtorch.mjs [--flavour cpu] [--libtorch FOLDER] [--no-download]
// Order: an explicit path (--libtorch or SAEV_LIBTORCH), an installed Python torch that fits, the cache
// (SAEV_CACHE, else ~/.cache/saev), a download through pip. Prints the folder on standard output.
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { fetchLibtorch, findLibtorch, flavours } from "./sources.mjs";

/** The libtorch of `flavour`, as src/libtorch/find.ts describes it. Throws one line that lists what was tried. */
export async function resolveLibtorch(flavour, { explicit, download = true, log = console.error } = {}) {
  const { found, tried } = findLibtorch(flavour, { explicit });
  if (found) {
    log(`libtorch ${found.version} from ${found.from}: ${found.folder}`);
    return found;
  }
  for (const line of tried) log(`not taken: ${line}`);
  if (explicit ?? process.env.SAEV_LIBTORCH)
    throw new Error(`the libtorch that was named does not serve ${flavour}; name another, or none`);
  if (!download) throw new Error(`no libtorch for ${flavour} on this machine`);
  const { torch, downloadBytes, diskBytes } = flavours[flavour];
  log(
    `fetching torch ${torch} for ${flavour} through pip: about ${gigabytes(downloadBytes)} to download, ` +
      `${gigabytes(diskBytes)} on disk`,
  );
  const started = performance.now();
  const fetched = await fetchLibtorch(flavour, { onProgress: progressLine(log) });
  log(`libtorch ${fetched.version} in ${seconds(started)}: ${fetched.folder}`);
  return fetched;
}

const gigabytes = (bytes) => `${(bytes / 1e9).toFixed(1)} GB`;
const seconds = (started) => `${((performance.now() - started) / 1000).toFixed(0)} s`;

/** One line for each tenth of a step: readable on a terminal and in a log. */
function progressLine(log) {
  let last = "";
  return ({ step, done, total }) => {
    const tenth = `${step} ${Math.floor((done / total) * 10) * 10} %`;
    if (tenth !== last) log(`  ${tenth} (${gigabytes(done)})`);
    last = tenth;
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      flavour: { type: "string", default: "cpu" },
      libtorch: { type: "string" },
      "no-download": { type: "boolean" },
    },
  });
  try {
    const found = await resolveLibtorch(values.flavour, {
      explicit: values.libtorch && path.resolve(values.libtorch),
      download: !values["no-download"],
    });
    console.log(found.folder);
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
