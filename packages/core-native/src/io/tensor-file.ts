import { SaevError } from "../errors.js";
import type { Handle } from "../native/addon.js";
import { callAsync, callSync, type LongCallOptions } from "../native/call.js";
import { addon } from "../native/load.js";
import { Resource } from "../native/resource.js";
import { Tensor } from "../tensor.js";

/**
 * A file of named tensors, mapped into memory: safetensors, or what `torch.save` writes (`.pt`, `.pth`, `.bin`;
 * zip archives and the older stream format). The format is told by content, not by name. No pickled code ever
 * runs, and a damaged or lying file gives an error.
 */
export class TensorFile extends Resource<"TensorFile"> {
  /** Where the file is. */
  readonly path: string;
  readonly #names: readonly string[];
  readonly #metadata: ReadonlyMap<string, string>;

  private constructor(handle: Handle<"TensorFile">, path: string) {
    super(handle);
    this.path = path;
    const info = callSync(() => addon().tensorFileInfo(handle));
    this.#names = Object.freeze(info.names);
    this.#metadata = new Map(info.metadata);
  }

  /**
   * Opens and checks the file; tensors are read when asked for.
   * @param options.offset byte at which a torch archive begins; default 0.
   * @throws SaevError `NOT_FOUND`, `IO`, `BAD_FILE` for what is damaged or no such file, `UNSUPPORTED` for pickles of
   * other Python objects, TorchScript programs and torch's tar format.
   */
  static async open(path: string, options: LongCallOptions & { offset?: number } = {}): Promise<TensorFile> {
    const handle = await callAsync(options, (control) =>
      addon().openTensorFile(path, options.offset ?? 0, control),
    );
    return new TensorFile(handle, path);
  }

  /**
   * Opens a model's weights as one file with the names of its bare state_dict: one file or all shards of a model, without
   * the dict that training code puts around them (`state_dict`, `model`, …) and without `module.` before every name.
   * @throws SaevError as {@link open}; `BAD_FILE` when two shards hold the same tensor.
   */
  static async openWeights(paths: readonly string[], options: LongCallOptions = {}): Promise<TensorFile> {
    const handle = await callAsync(options, (control) => addon().openWeightFiles(paths, control));
    return new TensorFile(handle, paths[0]!);
  }

  /**
   * Names in the order of the file. Members of nested dicts and lists are joined with "."; a file that is one
   * tensor (`torch.save(tensor)`) holds it under "".
   */
  names(): readonly string[] {
    this.alive();
    return this.#names;
  }

  /** Free text beside the tensors: safetensors' `__metadata__`; empty for torch files. */
  get metadata(): ReadonlyMap<string, string> {
    return this.#metadata;
  }

  /**
   * One tensor. It lies on the mapped file where alignment allows and stays valid after `dispose`.
   * @throws SaevError `NOT_FOUND` for an unknown name, `UNSUPPORTED` for a dtype without a JavaScript form.
   */
  get(name: string): Tensor {
    return Tensor.fromHandle(callSync(() => addon().tensorFileGet(this.handle, name)));
  }
}

/**
 * The one tensor of a file, as `torch.save(tensor, path)` writes it.
 * @throws SaevError `BAD_FILE` when the file holds none or several, and as {@link TensorFile.open}.
 */
export async function readTensor(path: string, options?: LongCallOptions): Promise<Tensor> {
  using file = await TensorFile.open(path, options);
  const [name, ...others] = file.names();
  if (name === undefined || others.length > 0) {
    throw new SaevError("BAD_FILE", `${path}: expected one tensor, found ${file.names().length}`);
  }
  return file.get(name);
}

/** Writes one tensor as `torch.save(tensor, path)` does; Python reads it with `torch.load(path, weights_only=True)`. */
export async function writeTensor(path: string, tensor: Tensor, options?: LongCallOptions): Promise<void> {
  await callAsync(options, (control) =>
    addon().writeTensorFile(path, { format: "torch-tensor", names: [""], tensors: [tensor.handle] }, control),
  );
}

/** Tensors by name, in order. */
export type NamedTensors = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>;

function entries(tensors: NamedTensors): [string, Tensor][] {
  return tensors instanceof Map ? [...tensors] : Object.entries(tensors as Record<string, Tensor>);
}

/** Writes a dict of tensors as `torch.save(dict, path)` does. */
export async function writeTensors(
  path: string,
  tensors: NamedTensors,
  options: LongCallOptions & {
    /** Write an `OrderedDict`, as `module.state_dict()` is; default false. */
    ordered?: boolean;
    /** Text in front of the archive; default none. */
    header?: string;
  } = {},
): Promise<void> {
  const list = entries(tensors);
  await callAsync(options, (control) =>
    addon().writeTensorFile(
      path,
      {
        format: options.ordered ? "torch-ordered-dict" : "torch-dict",
        names: list.map(([name]) => name),
        tensors: list.map(([, tensor]) => tensor.handle),
        ...(options.header !== undefined && { header: options.header }),
      },
      control,
    ),
  );
}

/** Writes a safetensors file, with `metadata` as its `__metadata__`. */
export async function writeSafetensors(
  path: string,
  tensors: NamedTensors,
  options: LongCallOptions & { metadata?: Readonly<Record<string, string>> } = {},
): Promise<void> {
  const list = entries(tensors);
  await callAsync(options, (control) =>
    addon().writeTensorFile(
      path,
      {
        format: "safetensors",
        names: list.map(([name]) => name),
        tensors: list.map(([, tensor]) => tensor.handle),
        metadata: Object.entries(options.metadata ?? {}).flat(),
      },
      control,
    ),
  );
}
