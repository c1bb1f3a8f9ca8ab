// Level AVX-512: qemu has none, Bochs emulates a whole machine that does (a Sapphire Rapids). It boots a disc with a Linux
// kernel whose first program is the tests, and what those print comes out of its serial port.
//
// Tiles (AMX) are done in software, by the tests' own program (native/test/software_amx.cc): Bochs 3.0 has them, but not what Linux
// needs to enable them.
//
// Bochs must be 3.0 or later, built with --enable-evex and --with-nogui; BOCHS names it where it is not in the PATH, and BXSHARE the
// folder of its BIOS. SAEV_KERNEL_IMAGE names the kernel, where the newest of /boot will not do: Debian's 6.12 boots, its 6.1
// stops in system management mode.
import { spawn } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { run, SetupError } from "../setup/step.mjs";
import { buildKernelTests, needFile, needTools } from "./build.mjs";

/** @returns whether all cases, or those whose names contain one of `words`, passed. */
export async function avx512(words) {
  const emulator = process.env.BOCHS ?? "bochs";
  needTools({ xorriso: "xorriso", cpio: "cpio" });
  const parts = {
    kernel: needFile(kernels(), "set SAEV_KERNEL_IMAGE, or apt-get install linux-image-cloud-amd64"),
    busybox: needFile(["/bin/busybox"], "apt-get install busybox-static"),
    loader: needFile(["/usr/lib/ISOLINUX/isolinux.bin"], "apt-get install isolinux"),
    module: needFile(["/usr/lib/syslinux/modules/bios/ldlinux.c32"], "apt-get install syslinux-common"),
    bios: needFile(shared("BIOS-bochs-latest"), "apt-get install bochsbios, or set BXSHARE"),
    vga: needFile(shared("VGABIOS-lgpl-latest"), "apt-get install vgabios, or set BXSHARE"),
    tests: await buildKernelTests("x86"),
  };
  const folder = mkdtempSync(path.join(tmpdir(), "saev-emulate-"));
  try {
    const disc = makeDisc(folder, parts, words);
    return await boot(folder, emulator, parts, disc);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function kernels() {
  if (process.env.SAEV_KERNEL_IMAGE) return [process.env.SAEV_KERNEL_IMAGE];
  const newest = new Intl.Collator("en", { numeric: true }).compare;
  const names = readdirSync("/boot").filter((name) => name.startsWith("vmlinuz-"));
  return [...names.sort(newest).reverse(), "vmlinuz"].map((name) => path.join("/boot", name));
}

function shared(name) {
  return [process.env.BXSHARE, "/usr/share/bochs"].filter(Boolean).map((folder) => path.join(folder, name));
}

/** A disc that boots. @returns its path. */
function makeDisc(folder, parts, words) {
  const root = path.join(folder, "root");
  const disc = path.join(folder, "disc");
  mkdirSync(path.join(root, "bin"), { recursive: true });
  mkdirSync(path.join(disc, "isolinux"), { recursive: true });
  copyFileSync(parts.busybox, path.join(root, "bin/busybox"));
  copyFileSync(parts.tests, path.join(root, "tests"));
  const runs = (words.length > 0 ? words : [""]).map((word) => `/tests ${quoted(word)} || failed=1`);
  const script = [
    "#!/bin/busybox sh",
    "failed=0",
    "export SAEV_SOFTWARE_AMX=1",
    ...runs,
    'echo "saev: status $failed"',
    "/bin/busybox poweroff -f",
  ];
  writeFileSync(path.join(root, "init"), `${script.join("\n")}\n`, { mode: 0o755 });
  run("sh", ["-c", `find . | cpio -o -H newc --quiet | gzip -1 > ${quoted(path.join(disc, "initrd.gz"))}`], {
    cwd: root,
    what: "the first file system",
  });
  copyFileSync(parts.kernel, path.join(disc, "vmlinuz"));
  copyFileSync(parts.loader, path.join(disc, "isolinux/isolinux.bin"));
  copyFileSync(parts.module, path.join(disc, "isolinux/ldlinux.c32"));
  writeFileSync(
    path.join(disc, "isolinux/isolinux.cfg"),
    [
      "default saev",
      "prompt 0",
      "label saev",
      "  kernel /vmlinuz",
      "  append initrd=/initrd.gz console=ttyS0,115200 quiet nokaslr mitigations=off clearcpuid=aperfmperf,mwait panic=1",
      "",
    ].join("\n"),
  );
  const image = path.join(folder, "saev.iso");
  const boot =
    "-b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table";
  run("xorriso", ["-as", "mkisofs", "-quiet", "-o", image, ...boot.split(" "), disc]);
  return image;
}

function quoted(word) {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Runs the machine until it is off, printing what its serial port says. */
async function boot(folder, emulator, parts, disc) {
  const serial = path.join(folder, "serial.txt");
  const log = path.join(folder, "bochs.log");
  const settings = path.join(folder, "bochsrc");
  writeFileSync(serial, "");
  writeFileSync(
    settings,
    [
      // Five-level paging and system management mode do not go together.
      'cpu: model=sapphire_rapids, ips=50000000, count=1, exclude_features="amx,amx_int8,amx_bf16,la57"',
      "memory: guest=1024, host=1024",
      `romimage: file="${parts.bios}"`,
      `vgaromimage: file="${parts.vga}"`,
      "ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14",
      `ata0-master: type=cdrom, path="${disc}", status=inserted`,
      "boot: cdrom",
      `com1: enabled=1, mode=file, dev="${serial}"`,
      `log: "${log}"`,
      "panic: action=fatal",
      "error: action=report",
      "info: action=ignore",
      "display_library: nogui",
      "clock: sync=none",
      "",
    ].join("\n"),
  );
  const machine = spawn(emulator, ["-q", "-f", settings], { stdio: ["pipe", "ignore", "ignore"] });
  // Where it is built with its debugger, that waits for "continue".
  machine.stdin.on("error", () => {});
  machine.stdin.end("c\n");
  const stopped = new Promise((resolve, reject) => {
    machine.on("error", (error) =>
      reject(new SetupError(`cannot run Bochs (${error.message}): set BOCHS to a Bochs 3.0 or later`)),
    );
    machine.on("exit", resolve);
  });
  let running = true;
  let printed = 0;
  const follow = () => {
    const text = readFileSync(serial, "latin1");
    const whole = text.lastIndexOf("\n") + 1;
    process.stdout.write(text.slice(printed, whole).replaceAll("\r", ""));
    printed = whole;
    return text;
  };
  const done = stopped.finally(() => {
    running = false;
  });
  while (running) {
    await Promise.race([done, pause(1000)]);
    follow();
  }
  await done;
  const status = /saev: status (\d)/.exec(follow())?.[1];
  if (status === undefined) {
    const last = readFileSync(log, "latin1").trim().split("\n").slice(-3).join("\n");
    throw new SetupError(`the emulated machine stopped before the tests ended; Bochs said last:\n${last}`);
  }
  return status === "0";
}
