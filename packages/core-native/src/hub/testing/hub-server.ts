import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";

/** What a server does instead of answering well. Taken from the front of its list, one a request for a file's bytes. */
export type Fault =
  | { readonly do: "status"; readonly status: number; readonly headers?: Record<string, string> }
  /** Answers well. */
  | { readonly do: "pass" }
  /** Answers with this text. */
  | { readonly do: "text"; readonly text: string }
  /** Sends this many bytes and closes the connection, once they {@link HubServer.arrived}. */
  | { readonly do: "cut"; readonly after: number }
  /** Sends this many bytes and then nothing. */
  | { readonly do: "stall"; readonly after: number }
  /** Flips a bit of the body. */
  | { readonly do: "corrupt" }
  /** Says that the file is this long. */
  | { readonly do: "length"; readonly length: number }
  /** Answers a range with the whole file. */
  | { readonly do: "ignore-range" };

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

export interface RepoFiles {
  readonly commit: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Other branches, by name. */
  readonly branches?: Readonly<Record<string, RepoFiles>>;
  /** Files larger than a few bytes are named by SHA-256, as with LFS; default: those past 1 kB. */
  readonly isLarge?: (file: string) => boolean;
}

/** Speaks the hub's HTTP on the loopback, for repositories given as bytes, and misbehaves when told to. */
export class HubServer {
  readonly seen: Seen[] = [];
  /** Faults of the next requests for bytes. */
  faults: Fault[] = [];
  /** Faults of the next requests for anything else: lists, HEAD. */
  metadataFaults: Fault[] = [];
  /** By name; datasets as "datasets/org/name". */
  repos = new Map<string, RepoFiles>();
  /**
   * How many bytes of the file a client has kept. A cut waits for those before it: closing a connection throws away
   * what its other end did not read yet, and how much that is depends on the machine's load.
   */
  arrived: (() => number) | undefined;
  /** A token that must come along. */
  token: string | undefined;
  /** Where the bytes of large files are: another server, which wants no token. */
  cdn: HubServer | undefined;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(repos: Readonly<Record<string, RepoFiles>> = {}): Promise<HubServer> {
    const server = new HubServer();
    for (const [name, repo] of Object.entries(repos)) server.repos.set(name, repo);
    await new Promise<void>((done) => server.#server.listen(0, "127.0.0.1", done));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Requests for the bytes of files. */
  get gets(): Seen[] {
    return this.seen.filter(({ method, path }) => method === "GET" && !path.startsWith("/api/"));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url!, this.url);
    const { authorization, range } = request.headers;
    const method = request.method!;
    this.seen.push({ method, path: url.pathname, range, authorization });
    const isBytes = method === "GET" && !url.pathname.startsWith("/api/");
    const fault = (isBytes ? this.faults : this.metadataFaults).shift();
    const refuse = (status: number, code: string) =>
      response.writeHead(status, { "x-error-code": code, "content-length": 0 }).end();
    if (fault?.do === "status") {
      response.writeHead(fault.status, { "content-length": 0, ...fault.headers }).end();
      return;
    }
    if (fault?.do === "text") {
      response.end(fault.text);
      return;
    }
    if (this.token !== undefined && authorization !== `Bearer ${this.token}`)
      return void refuse(401, "RepoNotFound");
    const api = /^\/api\/(models|datasets)\/(.+?)\/revision\/([^/]+)$/.exec(url.pathname);
    if (api) {
      const whole = this.repos.get(api[1] === "models" ? api[2]! : `datasets/${api[2]}`);
      if (!whole) return void refuse(404, "RepoNotFound");
      const repo = at(whole, api[3]!);
      if (!repo) return void refuse(404, "RevisionNotFound");
      const siblings = Object.keys(repo.files).map((rfilename) => ({ rfilename }));
      const text = JSON.stringify({
        _id: "0",
        id: api[2],
        sha: repo.commit,
        siblings,
        lastModified: new Date(0),
      });
      response.writeHead(200, { "content-type": "application/json" }).end(text);
      return;
    }
    const tree = /^\/api\/(models|datasets)\/(.+?)\/tree\/([^/]+)$/.exec(url.pathname);
    if (tree) {
      const whole = this.repos.get(tree[1] === "models" ? tree[2]! : `datasets/${tree[2]}`);
      const repo = whole && at(whole, tree[3]!);
      if (!repo) return void refuse(404, "RevisionNotFound");
      const entries = Object.entries(repo.files).map(([path, bytes]) => {
        return { type: "file", path, size: bytes.byteLength, oid: gitSha1(bytes) };
      });
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(entries));
      return;
    }
    const file = /^\/(.+?)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
    const whole = file ? this.repos.get(file[1]!) : undefined;
    if (!file || !whole) return void refuse(404, "RepoNotFound");
    const repo = at(whole, file[2]!);
    if (!repo) return void refuse(404, "RevisionNotFound");
    const bytes = repo.files[decodeURIComponent(file[3]!)];
    if (!bytes) return void refuse(404, "EntryNotFound");
    this.#serve(response, bytes, { url, method, range, fault, repo, name: file[3]! });
  }

  #cut(response: ServerResponse, kept: number): void {
    const { arrived } = this;
    const deadline = performance.now() + 10_000;
    const timer = setInterval(() => {
      if (arrived && arrived() < kept && performance.now() < deadline) return;
      clearInterval(timer);
      response.destroy();
    }, 10);
  }

  #serve(
    response: ServerResponse,
    bytes: Uint8Array,
    at: {
      url: URL;
      method: string;
      range: string | undefined;
      fault: Fault | undefined;
      repo: RepoFiles;
      name: string;
    },
  ): void {
    const { fault, repo } = at;
    const large = repo.isLarge?.(at.name) ?? bytes.byteLength > 1000;
    const etag = large ? sha256(bytes) : gitSha1(bytes);
    const headers: Record<string, string | number> = { "x-repo-commit": repo.commit, etag: `"${etag}"` };
    if (large && this.cdn) {
      response.writeHead(302, {
        ...headers,
        "x-linked-etag": `"${etag}"`,
        "x-linked-size": bytes.byteLength,
        location: `${this.cdn.url}${at.url.pathname}?Signature=secret`,
        "content-length": 0,
      });
      response.end();
      return;
    }
    const from = fault?.do === "ignore-range" ? 0 : Number(/^bytes=(\d+)-$/.exec(at.range ?? "")?.[1] ?? 0);
    if (from > 0 && from >= bytes.byteLength) {
      response.writeHead(416, { "content-range": `bytes */${bytes.byteLength}` }).end();
      return;
    }
    let body = Buffer.from(bytes.subarray(from));
    if (fault?.do === "corrupt") body[body.length >> 1]! ^= 1;
    const length = fault?.do === "length" ? fault.length : body.length;
    if (from > 0) headers["content-range"] = `bytes ${from}-${bytes.byteLength - 1}/${bytes.byteLength}`;
    response.writeHead(from > 0 ? 206 : 200, { ...headers, "content-length": length });
    if (at.method === "HEAD") return void response.end();
    if (fault?.do === "cut" || fault?.do === "stall") {
      body = body.subarray(0, fault.after);
      response.write(body, () => fault.do === "cut" && this.#cut(response, from + body.length));
      return;
    }
    if (fault?.do === "length") {
      response.write(body.subarray(0, length), () => setTimeout(() => response.destroy(), 20));
      return;
    }
    response.end(body);
  }
}

/** A repository at a branch or a commit. */
function at(repo: RepoFiles, encoded: string): RepoFiles | undefined {
  const revision = decodeURIComponent(encoded);
  if (revision === "main" || revision === repo.commit) return repo;
  const { branches = {} } = repo;
  return branches[revision] ?? Object.values(branches).find(({ commit }) => commit === revision);
}

/** A proxy that opens tunnels and counts them. */
export async function startProxy(): Promise<{ url: string; tunnels: string[]; stop(): Promise<void> }> {
  const tunnels: string[] = [];
  const server = createServer();
  server.on("connect", (request, socket) => {
    tunnels.push(request.url!);
    const [host, port] = request.url!.split(":");
    const out = connect(Number(port), host!, () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      out.pipe(socket).pipe(out);
    });
    out.on("error", () => socket.destroy());
    socket.on("error", () => out.destroy());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tunnels,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
export const gitSha1 = (bytes: Uint8Array): string =>
  createHash("sha1").update(`blob ${bytes.byteLength}\0`).update(bytes).digest("hex");
