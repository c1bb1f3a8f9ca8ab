import type { NativeSystemInfo } from "./native/addon.js";
import { callSync } from "./native/call.js";
import { addon } from "./native/load.js";

/** What the loaded addon is and what it runs on. */
export type SystemInfo = NativeSystemInfo;

/** Loads the addon and asks it. @throws SaevError `ADDON_LOAD` with what was tried when no addon loads. */
export function systemInfo(): SystemInfo {
  return callSync(() => addon().systemInfo());
}
