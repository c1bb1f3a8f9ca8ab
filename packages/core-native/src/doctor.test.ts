import { afterEach, describe, expect, it, vi } from "vitest";
import { folderItems } from "./doctor/folders.js";
import { hubItem } from "./doctor/hub.js";
import { nodeItem } from "./doctor/machine.js";
import { doctor, planLibtorch, setupLibtorch } from "./index.js";

afterEach(() => vi.unstubAllEnvs());

describe("doctor", () => {
  it("finds this machine fit, and says what runs", async () => {
    const report = await doctor();
    expect(report.items.filter((item) => item.status === "fail")).toEqual([]);
    expect(report.ok).toBe(true);
    const names = report.items.map((item) => item.name);
    expect(names).toEqual(
      expect.arrayContaining(["node", "addon", "libtorch", "cpu", "cuda", "hub cache", "disk"]),
    );
    for (const item of report.items) {
      expect(item.detail).not.toMatch(/\n/);
      expect(item.remedy === undefined).toBe(item.status === "ok");
    }
  });

  it("fails an old Node and a folder that takes no files, each with a remedy", () => {
    expect(nodeItem("18.20.1")).toMatchObject({ status: "fail", remedy: expect.stringContaining("20.19") });
    expect(nodeItem("22.0.0").status).toBe("ok");
    vi.stubEnv("HF_HOME", "/proc/none");
    vi.stubEnv("HF_HUB_CACHE", undefined);
    expect(folderItems()[0]).toMatchObject({ name: "hub cache", status: "fail" });
  });
});

describe("the hub's settings", () => {
  it("are told without the token, a password or a request", () => {
    vi.stubEnv("HF_HUB_OFFLINE", undefined);
    vi.stubEnv("TRANSFORMERS_OFFLINE", undefined);
    vi.stubEnv("HF_ENDPOINT", "https://user:password@mirror.example/hf");
    vi.stubEnv("HF_TOKEN", "hf_secret");
    expect(hubItem().detail).toBe("https://mirror.example/hf; token from HF_TOKEN");
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    expect(hubItem().detail).toMatch(/^offline \(HF_HUB_OFFLINE\)/);
    vi.stubEnv("HF_TOKEN", "two words");
    expect(hubItem()).toMatchObject({ status: "warn", detail: expect.not.stringContaining("two") });
  });
});

describe("setupLibtorch", () => {
  it("takes the libtorch that is there and fetches nothing", async () => {
    const plan = planLibtorch({ flavour: "cpu" });
    expect(plan.found).toBeDefined();
    expect(plan.downloadBytes).toBeGreaterThan(1e8);
    const onProgress = vi.fn();
    expect(await setupLibtorch({ flavour: "cpu", onProgress })).toEqual(plan.found);
    expect(onProgress).not.toHaveBeenCalled();
  });
});
