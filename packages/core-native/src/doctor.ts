import { diskItem, folderItems } from "./doctor/folders.js";
import { hubItem } from "./doctor/hub.js";
import type { DoctorItem } from "./doctor/item.js";
import { memoryItem, nodeItem, systemItem } from "./doctor/machine.js";
import { nativeItems } from "./doctor/native.js";

export type { DoctorItem } from "./doctor/item.js";

export interface DoctorReport {
  /** Whether nothing failed. Warnings do not count. */
  readonly ok: boolean;
  readonly items: readonly DoctorItem[];
}

/**
 * Looks at everything that saev needs on this machine: Node, system, memory, addon, libtorch, CPU kernels, CUDA (with a
 * kernel run on each device), caches, writable folders, the hub's settings, free disk. Never throws for what it finds.
 */
export async function doctor(options: { signal?: AbortSignal | undefined } = {}): Promise<DoctorReport> {
  const items = [
    nodeItem(),
    systemItem(),
    memoryItem(),
    ...(await nativeItems(options.signal)),
    ...folderItems(),
    hubItem(),
    diskItem(),
  ];
  return { ok: items.every((item) => item.status !== "fail"), items };
}
