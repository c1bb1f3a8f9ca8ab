/** A worker thread that works: says "working" once, then the result of each pass. Ends after `workerData.passes` of them. */
import { parentPort, workerData } from "node:worker_threads";
import { Job } from "./job.mjs";

const job = new Job();
parentPort.postMessage("working");
for (let pass = 0; pass < workerData.passes; pass++) parentPort.postMessage(await job.once());
