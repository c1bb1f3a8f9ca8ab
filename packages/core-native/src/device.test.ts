import { describe, expect, it } from "vitest";
import { cudaInfo, resolveDevice, SaevError } from "./index.js";
import { addon } from "./native/load.js";

describe("resolveDevice", () => {
  it("falls back to the CPU with one warning", () => {
    const warnings: string[] = [];
    const warn = (message: string) => warnings.push(message);
    expect(resolveDevice("cpu", { warn })).toBe("cpu");
    expect(warnings).toEqual([]);
    expect(resolveDevice("cuda", { warn })).toBe("cpu");
    expect(resolveDevice("cuda:1", { warn })).toBe("cpu");
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^device "cuda": .+; computing on the CPU$/);
  });

  it("refuses what is no device", () => {
    expect(() => resolveDevice("gpu")).toThrow(SaevError);
  });
});

describe("the CUDA self-test", () => {
  it("agrees with the CPU on every device, and says so when there is none", async () => {
    const { devices } = cudaInfo();
    for (const device of devices.keys()) expect(await addon().cudaSelfTest(device)).toBe(0);
    await expect(addon().cudaSelfTest(devices.length)).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });
});
