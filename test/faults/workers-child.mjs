/**
 * What happens to native jobs when their threads go away; run in a process of its own. Prints one JSON line at the end.
 *   workers-child.mjs together | terminate | exit | abort
 */
import path from "node:path";
import { Worker } from "node:worker_threads";
import { Job } from "./job.mjs";

const start = (passes) =>
  new Worker(path.join(import.meta.dirname, "worker-thread.mjs"), { workerData: { passes } });

const ended = (worker) =>
  new Promise((resolve, reject) => {
    const messages = [];
    worker.on("message", (message) => messages.push(message));
    worker.on("error", reject);
    worker.on("exit", () => resolve(messages));
  });

const working = (worker) =>
  new Promise((resolve, reject) => {
    worker.on("message", (message) => message === "working" && resolve());
    worker.on("error", reject);
  });

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const modes = {
  /** Two workers and this thread at once, each with its own instance of the addon. */
  async together() {
    const expected = await new Job().once();
    const [a, b, here] = await Promise.all([ended(start(2)), ended(start(2)), new Job().once()]);
    return { expected, here, a, b };
  },
  /** Terminated in mid-job, several times; this thread works on. */
  async terminate() {
    for (let i = 0; i < 3; i++) {
      const worker = start(1000);
      await working(worker);
      await pause(30 * (i + 1));
      await worker.terminate();
    }
    return { alive: await new Job().once() };
  },
  /** The process leaves while jobs run here and in a worker. */
  async exit() {
    const worker = start(1000);
    void new Job().once();
    await working(worker);
    await pause(30);
    console.log(JSON.stringify({ leaving: true }));
    process.exit(0);
  },
  /** A job whose abort comes from a timer while a worker is being terminated. */
  async abort() {
    const worker = start(1000);
    await working(worker);
    const reason = new Error("enough");
    const controller = new AbortController();
    const job = new Job();
    let fired = 0;
    setTimeout(() => {
      fired = performance.now();
      controller.abort(reason);
    }, 100);
    let outcome;
    while (outcome === undefined)
      await job.once({ signal: controller.signal }).catch((error) => (outcome = error));
    const ms = performance.now() - fired;
    await worker.terminate();
    return { aborted: outcome === reason, ms };
  },
};

const answer = await modes[process.argv[2] ?? ""]();
console.log(JSON.stringify(answer));
