import { hubEndpoint, hubToken, isOffline } from "../hub/environment.js";
import { shownUrl } from "../hub/problems.js";
import { type DoctorItem, ok, warn } from "./item.js";

/** Where models would be downloaded from, and as whom. Asks no server; the token itself is not shown. */
export function hubItem(): DoctorItem {
  try {
    const token = hubToken();
    const as = token ? `token from ${token.from}` : "no token, which public models do not need";
    const where = isOffline() ? "offline (HF_HUB_OFFLINE): only cached models" : shownUrl(hubEndpoint());
    return ok("hub", `${where}; ${as}`);
  } catch (error) {
    return warn("hub", (error as Error).message, "set it anew, or unset it");
  }
}
