import { allCandidates } from "../native/candidates.js";
import { flavourOrder } from "../native/load.js";
import { cachedSite } from "./cache.js";
import { minorOf } from "./describe.js";
import { type FetchProgress, fetchLibtorch } from "./fetch.js";
import { type FoundLibtorch, findLibtorch } from "./find.js";
import { type Flavour, flavours } from "./flavours.js";

/** What `setupLibtorch` would do: for telling people before it starts. */
export interface LibtorchPlan {
  readonly flavour: Flavour;
  /** The libtorch that serves already; then nothing is fetched. */
  readonly found?: FoundLibtorch;
  /** torch release that would be fetched, e.g. "2.13.0". */
  readonly torch: string;
  /** Where it would go. */
  readonly folder: string;
  /** Bytes to download and bytes on disk, about. */
  readonly downloadBytes: number;
  readonly diskBytes: number;
}

export interface SetupLibtorchOptions {
  /** Default: the flavour that the loader would take here. */
  readonly flavour?: Flavour | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
}

/** Looks and says; fetches nothing. */
export function planLibtorch(options: Pick<SetupLibtorchOptions, "flavour"> = {}): LibtorchPlan {
  const candidates = allCandidates();
  const flavour =
    options.flavour ?? flavourOrder().find((f) => candidates.some((c) => c.flavour === f)) ?? "cpu";
  const compiledWith = candidates.find((c) => c.flavour === flavour)?.torch;
  const { found } = findLibtorch(flavour, {
    cacheFirst: true,
    ...(compiledWith && { minors: [minorOf(compiledWith)] }),
  });
  const { torch, downloadBytes, diskBytes } = flavours[flavour];
  return { flavour, ...(found && { found }), torch, folder: cachedSite(flavour), downloadBytes, diskBytes };
}

/**
 * Makes sure that a libtorch for the native addon is there: takes the one that is found, or fetches one through pip into
 * saev's cache (`SAEV_CACHE`, else ~/.cache/saev). Call {@link planLibtorch} first to tell what it will cost.
 * @throws SaevError `NOT_FOUND` when pip is missing or finds nothing, `IO` when the cache cannot be written.
 */
export async function setupLibtorch(options: SetupLibtorchOptions = {}): Promise<FoundLibtorch> {
  const plan = planLibtorch(options);
  return plan.found ?? fetchLibtorch(plan.flavour, options);
}
