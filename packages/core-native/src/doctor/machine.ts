import { availableParallelism, freemem, release, totalmem } from "node:os";
import { type DoctorItem, fail, ok, warn } from "./item.js";

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** The oldest Node that saev is tested with. */
const oldestNode = [20, 19] as const;

export function nodeItem(version = process.versions.node): DoctorItem {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const fits = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  return fits ? ok("node", version) : fail("node", version, `install Node ${oldestNode.join(".")} or newer`);
}

/** What this platform is, and whether binaries for it exist. */
export function systemItem(): DoctorItem {
  const { platform, arch } = process;
  const header = (process.report.getReport() as { header?: { glibcVersionRuntime?: string } }).header;
  const glibc = header?.glibcVersionRuntime;
  const detail = `${platform} ${release()}, ${arch}${glibc ? `, glibc ${glibc}` : ""}`;
  if (platform === "linux" && !glibc)
    return fail(
      "system",
      detail,
      "libtorch needs glibc: use a Debian, Ubuntu or Fedora image, not a musl one",
    );
  if (platform === "linux" && (arch === "x64" || arch === "arm64")) return ok("system", detail);
  if (platform === "darwin" && arch === "arm64")
    return warn("system", detail, "macOS is not tested: build from source");
  return fail("system", detail, "saev runs on Linux, x64 and arm64");
}

export function memoryItem(): DoctorItem {
  const detail = `${availableParallelism()} cores, ${gigabytes(totalmem())} of memory, ${gigabytes(freemem())} free`;
  return totalmem() < 4e9 ? warn("memory", detail, "4 GB or more is advised") : ok("memory", detail);
}
