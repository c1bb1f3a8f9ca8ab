import { existsSync } from "node:fs";
import path from "node:path";

/** Whether an NVIDIA driver is installed. Looks at files only: no CUDA library is loaded to find out. */
export function hasCudaDriver(): boolean {
  if (process.platform !== "linux") return false;
  if (existsSync("/proc/driver/nvidia/version")) return true;
  const multiarch = process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
  const folders = [
    ...(process.env.LD_LIBRARY_PATH ?? "").split(":").filter(Boolean),
    `/usr/lib/${multiarch}`,
    "/usr/lib64",
    "/usr/lib/wsl/lib",
  ];
  return folders.some((folder) => existsSync(path.join(folder, "libcuda.so.1")));
}
