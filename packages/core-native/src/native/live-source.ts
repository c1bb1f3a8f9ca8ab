import type { Control, Handle } from "./addon.js";
import type { NativeRowOptions, NativeScaled } from "./batch-source.js";

export interface NativeLiveSourceOptions extends NativeRowOptions {
  /** Numbers of the dataset's images that the source has, ascending. */
  readonly images: readonly number[];
}

/** Images whose rows are missing, in the order in which they are to be given. */
export interface NativeWant {
  readonly block: number;
  readonly images: readonly number[];
}

/** Bindings of `native/bind/live_source.cc`. */
export interface LiveSourceExports {
  liveSource(options: NativeLiveSourceOptions): {
    source: Handle<"BatchSource">;
    feed: Handle<"LiveFeed">;
  };
  liveFeedScale(
    feed: Handle<"LiveFeed">,
    request: {
      readonly computeMean: boolean;
      readonly computeScalar: boolean;
      readonly nRandomSamples: number;
    },
    control: Control,
  ): Promise<NativeScaled>;
  /** Null once the feed is closed. */
  liveFeedWant(feed: Handle<"LiveFeed">, control: Control): Promise<NativeWant | null>;
  /** Whether the block is still wanted. */
  liveFeedGive(
    feed: Handle<"LiveFeed">,
    block: number,
    first: number,
    tokens: Handle<"Tensor">,
    control: Control,
  ): Promise<boolean>;
  liveFeedFail(feed: Handle<"LiveFeed">, code: string, message: string): void;
  liveFeedClose(feed: Handle<"LiveFeed">): void;
}
