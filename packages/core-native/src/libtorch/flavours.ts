/** What an addon is compiled for: the CPU alone, or one CUDA toolkit. */
export type Flavour = "cpu" | "cu126" | "cu128" | "cu130";

/** What building and running one flavour takes. */
export interface FlavourSpec {
  /** The torch release that is fetched and tested. */
  readonly torch: string;
  /** Minor releases whose headers and libraries the sources also build with. */
  readonly accepts: readonly string[];
  /** CUDA toolkit, as `nvcc --version` and torch's `version.cuda` name it. */
  readonly cuda?: string;
  /** `CMAKE_CUDA_ARCHITECTURES`. See {@link flavours}. */
  readonly architectures?: readonly string[];
  /** Bytes to download and bytes on disk, about: what people are told before a download starts. */
  readonly downloadBytes: number;
  readonly diskBytes: number;
}

/**
 * Every flavour. Architectures are the GPU generations that both the toolkit and its torch release serve, as real
 * machine code, and the newest once more as PTX (no suffix), which the driver translates for whatever comes later:
 * 70 Volta, 75 Turing, 80 and 86 Ampere, 89 Ada, 90 Hopper, 100 and 120 Blackwell. CUDA 12.8 brought Blackwell;
 * CUDA 13 dropped Volta.
 */
export const flavours: Readonly<Record<Flavour, FlavourSpec>> = {
  cpu: { torch: "2.13.0", accepts: ["2.13", "2.14"], downloadBytes: 0.2e9, diskBytes: 0.7e9 },
  cu126: {
    torch: "2.14.1",
    accepts: ["2.13", "2.14"],
    cuda: "12.6",
    architectures: ["70-real", "75-real", "80-real", "86-real", "89-real", "90"],
    downloadBytes: 2.6e9,
    diskBytes: 5e9,
  },
  cu128: {
    torch: "2.14.1",
    accepts: ["2.13", "2.14"],
    cuda: "12.8",
    architectures: ["75-real", "80-real", "86-real", "89-real", "90-real", "100-real", "120"],
    downloadBytes: 2.8e9,
    diskBytes: 5.5e9,
  },
  cu130: {
    torch: "2.14.1",
    accepts: ["2.13", "2.14"],
    cuda: "13.0",
    architectures: ["75-real", "80-real", "86-real", "89-real", "90-real", "100-real", "120"],
    downloadBytes: 2.5e9,
    diskBytes: 4.3e9,
  },
};

export const flavourNames = Object.keys(flavours) as Flavour[];

export const isFlavour = (name: string): name is Flavour => Object.hasOwn(flavours, name);
