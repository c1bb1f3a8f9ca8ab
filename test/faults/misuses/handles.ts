import { resolveDevice } from "@saev/core";
import { type Misuse, ones, raw, smallSae, wrong } from "../misuse.js";

export const misuses: readonly Misuse[] = [
  {
    what: "plain object as a handle",
    run: () => raw((a) => a.tensorInfo(wrong({}))),
    ends: ["WRONG_HANDLE"],
  },
  { what: "number as a handle", run: () => raw((a) => a.tensorBytes(wrong(42))), ends: ["WRONG_HANDLE"] },
  { what: "no handle", run: () => raw((a) => a.dispose(wrong(undefined))), ends: ["WRONG_HANDLE"] },
  {
    what: "function as a handle",
    run: () => raw((a) => a.isDisposed(wrong(() => {}))),
    ends: ["WRONG_HANDLE"],
  },
  {
    what: "flag where a tensor is wanted",
    run: () => raw((a) => a.tensorInfo(wrong(a.abortFlag()))),
    ends: ["WRONG_HANDLE"],
  },
  {
    what: "tensor where a flag is wanted",
    run: () => raw((a) => a.abort(wrong(ones().handle))),
    ends: ["WRONG_HANDLE"],
  },
  {
    what: "tensor where an SAE is wanted",
    run: () => raw((a) => a.saeInfo(wrong(ones().handle))),
    ends: ["WRONG_HANDLE"],
  },
  {
    what: "SAE where a tensor is wanted",
    run: () => raw((a) => a.tensorBytes(wrong(smallSae().handle))),
    ends: ["WRONG_HANDLE"],
  },
  {
    what: "the class of this library as a handle",
    run: () => raw((a) => a.tensorInfo(wrong(ones()))),
    ends: ["WRONG_HANDLE"],
  },
  {
    what: "prototype of a handle",
    run: () => raw((a) => a.tensorInfo(wrong(Object.create(ones().handle)))),
    ends: ["WRONG_HANDLE"],
  },
  {
    what: "flag used after it was disposed",
    run: () =>
      raw((a) => {
        const f = a.abortFlag();
        a.dispose(f);
        a.abort(f);
      }),
    ends: ["DISPOSED"],
  },
  {
    what: "missing arguments",
    run: () => raw((a) => wrong<() => void>(a.tensorFrom)()),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "a level that this machine has not",
    run: () => raw((a) => a.forceLevel("avx1024")),
    ends: ["UNSUPPORTED"],
  },
  {
    what: "self-test of a device that is not there",
    run: () => raw((a) => a.cudaSelfTest(99)),
    ends: ["UNSUPPORTED"],
  },
  {
    what: "self-test of a negative device",
    run: () => raw((a) => a.cudaSelfTest(-1)),
    ends: ["INVALID_ARGUMENT"],
  },
  { what: "unknown device", run: () => resolveDevice("tpu"), ends: ["INVALID_ARGUMENT"] },
  { what: "empty device", run: () => resolveDevice(""), ends: ["INVALID_ARGUMENT"] },
  { what: "device with a negative number", run: () => resolveDevice("cuda:-1"), ends: ["INVALID_ARGUMENT"] },
];
