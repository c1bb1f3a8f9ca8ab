import { randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { SaevError } from "@saev/core";
import type { Collection } from "../collection.js";
import { explorerApp } from "./app.js";

/** Connections that may wait to be taken: a page of many pictures, in several tabs, opens hundreds at once. */
const backlog = 4096;

export interface ServeOptions {
  /** Address to listen on. Default 127.0.0.1: nobody on another machine reaches it. */
  readonly host?: string | undefined;
  /** Default 0: any free port. */
  readonly port?: number | undefined;
  /** What the address must carry. Default: 32 random bytes. */
  readonly token?: string | undefined;
}

export interface ExplorerServer {
  /** To open in a browser, with the token. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves an explorer of `collection` until it is closed.
 * @throws SaevError `IO` when the address cannot be listened on.
 */
export function serveExplorer(collection: Collection, options: ServeOptions = {}): Promise<ExplorerServer> {
  const host = options.host ?? "127.0.0.1";
  const token = options.token ?? randomBytes(32).toString("base64url");
  let port = options.port ?? 0;
  const app = explorerApp(collection, { token, host, port: () => port });
  return new Promise((resolve, reject) => {
    const server = createAdaptorServer({ fetch: app.fetch, hostname: host });
    server.listen({ port, host, backlog }, () => {
      port = (server.address() as AddressInfo).port;
      const name =
        host === "0.0.0.0" || host === "::" ? "localhost" : host.includes(":") ? `[${host}]` : host;
      resolve({
        url: `http://${name}:${port}/?token=${token}`,
        port,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            if ("closeAllConnections" in server) server.closeAllConnections();
          }),
      });
    });
    server.on("error", (error: NodeJS.ErrnoException) => {
      const why =
        error.code === "EADDRINUSE" ? "another program uses it; choose another --port" : error.message;
      reject(new SaevError("IO", `cannot listen on ${host}:${port}: ${why}`, { cause: error }));
    });
  });
}
