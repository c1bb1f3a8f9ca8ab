/** What the `saev` command runs: the process's own words and streams. */
import { report } from "./errors.js";
import { Exit, type ExitCode } from "./exit.js";
import { main } from "./main.js";

const io = { stdout: process.stdout, stderr: process.stderr, env: process.env };
/** What a shell shows for a program that SIGPIPE ended. */
const brokenPipe = 141;
let ended: ExitCode | undefined;

// `saev info … | head` closes the pipe early, a terminal may go away: nobody is left to talk to.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", ({ code }: NodeJS.ErrnoException) => {
    process.exit(code === "EPIPE" || code === "EIO" ? (ended ?? brokenPipe) : Exit.failed);
  });
}
process.on("uncaughtException", (error) => {
  report(error, io);
  process.exit(Exit.failed);
});

ended = await main(process.argv.slice(2), io);
process.exitCode = ended;
