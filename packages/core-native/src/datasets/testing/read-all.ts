/**
 * Downloads a split and reads all its pictures, in a process of its own whose memory is measured. Prints the largest
 * resident memory so far, in MB: before, when it is downloaded, opened and read.
 */
import { HuggingFaceImages, parquetOfHub } from "../hugging-face.js";
import { ParquetFile } from "../parquet-file.js";

const [name, split] = process.argv.slice(2) as [string, string];
const peak = () => Math.round(process.resourceUsage().maxRSS / 1024);
let reads = 0;
const read = ParquetFile.prototype.read;
ParquetFile.prototype.read = function (...args) {
  reads++;
  return read.apply(this, args);
};
// What every process loads, so that it does not count.
await Promise.all([
  import("undici"),
  import("@huggingface/hub"),
  import("hyparquet"),
  import("hyparquet-compressors"),
]);
const before = peak();
const { downloaded } = await parquetOfHub(name, split);
const fetched = peak();
const dataset = await HuggingFaceImages.open(name, split);
const { length } = dataset;
const readsToCount = reads;
const opened = peak();
let bytes = 0;
for (let i = 0; i < length; i++) bytes += (await dataset.image(i)).length;
console.log(
  JSON.stringify({ downloaded, length, readsToCount, bytes, before, fetched, opened, read: peak() }),
);
