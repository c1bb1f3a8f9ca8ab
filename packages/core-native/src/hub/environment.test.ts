import { homedir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { hubCaches, hubEndpoint, isOffline, stallTimeout, torchHubFolder } from "./environment.js";

const home = path.join(homedir(), ".cache");

describe("the environment", () => {
  it.each([
    [{}, [path.join(home, "huggingface/hub")]],
    [{ XDG_CACHE_HOME: "/x" }, ["/x/huggingface/hub"]],
    [{ HF_HOME: "~/hf" }, [path.join(homedir(), "hf/hub")]],
    [{ HF_HOME: "/h", HF_HUB_CACHE: "/c" }, ["/c"]],
    [{ HF_HOME: "/h", HUGGINGFACE_HUB_CACHE: "/d" }, ["/d"]],
    [{ HF_HUB_CACHE: "/c", HUGGINGFACE_HUB_CACHE: "/d" }, ["/c"]],
    [{ SAEV_CACHE: "/s" }, ["/s/hub", path.join(home, "huggingface/hub")]],
    [{ SAEV_CACHE: "/s", HF_HOME: "/h" }, ["/h/hub"]],
    [{ SAEV_CACHE: "/s", XDG_CACHE_HOME: "/x" }, ["/s/hub", "/x/huggingface/hub"]],
  ])("%j puts the hub's caches in place", (env, folders) => {
    expect(hubCaches(env)).toEqual(folders);
  });

  it("says where torch.hub keeps its files", () => {
    expect(torchHubFolder({})).toBe(path.join(home, "torch/hub/checkpoints"));
    expect(torchHubFolder({ TORCH_HOME: "/t", XDG_CACHE_HOME: "/x" })).toBe("/t/hub/checkpoints");
    expect(torchHubFolder({ XDG_CACHE_HOME: "/x" })).toBe("/x/torch/hub/checkpoints");
  });

  it("reads the endpoint, the offline switch and the time-out as Python does", () => {
    expect(hubEndpoint({}).href).toBe("https://huggingface.co/");
    expect(hubEndpoint({ HF_ENDPOINT: "http://mirror:8080/hf//" }).href).toBe("http://mirror:8080/hf");
    for (const wrong of ["mirror", "ftp://mirror", "user:secret@mirror"]) {
      expect(() => hubEndpoint({ HF_ENDPOINT: wrong })).toThrow(
        /^HF_ENDPOINT: expected an address such as https/,
      );
    }
    expect(["1", "true", "YES", "on"].every((v) => isOffline({ HF_HUB_OFFLINE: v }))).toBe(true);
    expect(["0", "false", "", undefined].some((v) => isOffline({ HF_HUB_OFFLINE: v }))).toBe(false);
    expect(isOffline({ TRANSFORMERS_OFFLINE: "1" })).toBe(true);
    expect(stallTimeout({ HF_HUB_DOWNLOAD_TIMEOUT: "0.5" })).toBe(500);
    expect(stallTimeout({ HF_HUB_DOWNLOAD_TIMEOUT: "soon" })).toBe(30_000);
  });
});
