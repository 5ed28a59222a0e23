import { buildImage, machineArchitecture, type BuiltImage } from "./image.ts";

/** What the sandbox of every pod runs. */
export const pauseImageName = "registry.k8s.io/pause:3.10.2";

/**
 * The program of the pause container, as machine code: block SIGTERM, SIGINT and SIGCHLD, then wait for one of them for ever; on SIGCHLD collect all
 * children that have ended (it is process 1 where a pod shares its process namespace), on the others exit with 0. A blocked signal reaches process 1
 * also without a handler, so no handler is needed.
 */
type Line = readonly number[] | { readonly label: string } | { readonly jump: readonly number[]; readonly to: string };

const signalMask = [15, 2, 17].reduce((mask, signal) => mask | (1n << BigInt(signal - 1)), 0n);

const syscallX64 = (number: number): Line => [0xb8, number & 0xff, number >> 8, 0, 0, 0x0f, 0x05]; // mov eax, number; syscall
const x64: readonly Line[] = [
  [0x31, 0xff], // xor edi, edi: SIG_BLOCK
  { jump: [0x48, 0x8d, 0x35], to: "mask" }, // lea rsi, [rip + mask]
  [0x31, 0xd2, 0x41, 0xba, 8, 0, 0, 0], // xor edx, edx; mov r10d, 8
  syscallX64(14), // rt_sigprocmask
  { label: "wait" },
  { jump: [0x48, 0x8d, 0x3d], to: "mask" }, // lea rdi, [rip + mask]
  [0x31, 0xf6, 0x31, 0xd2, 0x41, 0xba, 8, 0, 0, 0], // xor esi, esi; xor edx, edx; mov r10d, 8
  syscallX64(128), // rt_sigtimedwait
  [0x83, 0xf8, 17], { jump: [0x0f, 0x84], to: "reap" }, // cmp eax, SIGCHLD; je reap
  [0x83, 0xf8, 15], { jump: [0x0f, 0x84], to: "exit" }, // cmp eax, SIGTERM; je exit
  [0x83, 0xf8, 2], { jump: [0x0f, 0x85], to: "wait" }, // cmp eax, SIGINT; jne wait
  { label: "exit" },
  [0x31, 0xff], syscallX64(231), // exit_group(0)
  { label: "reap" },
  [0x48, 0xc7, 0xc7, 0xff, 0xff, 0xff, 0xff, 0x31, 0xf6, 0xba, 1, 0, 0, 0, 0x45, 0x31, 0xd2], // mov rdi, -1; xor esi, esi; mov edx, WNOHANG; xor r10d, r10d
  syscallX64(61), // wait4
  [0x85, 0xc0], { jump: [0x0f, 0x8f], to: "reap" }, { jump: [0xe9], to: "wait" }, // test eax, eax; jg reap; jmp wait
  { label: "mask" },
];

/** Jumps and addresses are 32 bits relative to the end of the instruction. */
function assembleX64(): Buffer {
  const sizeOf = (line: Line): number => ("label" in line ? 0 : "jump" in line ? line.jump.length + 4 : line.length);
  const labels = new Map<string, number>();
  let at = 0;
  for (const line of x64) {
    if ("label" in line) labels.set(line.label, at);
    at += sizeOf(line);
  }
  const code = Buffer.alloc(at);
  at = 0;
  for (const line of x64) {
    const end = at + sizeOf(line);
    if ("jump" in line) {
      code.set(line.jump, at);
      code.writeInt32LE((labels.get(line.to) ?? 0) - end, end - 4);
    } else if (!("label" in line)) code.set(line, at);
    at = end;
  }
  return code;
}

/** 32-bit instructions; an index into this list times 4 is an address. */
function assembleArm64(): Buffer {
  const movz = (register: number, value: number): number => 0xd2800000 | (value << 5) | register;
  const minusOne = 0x92800000; // movn x0, #0
  const call = 0xd4000001; // svc #0
  const compare = (value: number): number => 0x7100001f | (value << 10); // cmp w0, #value
  const address = (register: number, from: number, to: number): number => 0x10000000 | (((to - from) & 0x7ffff) << 5) | register; // adr, whole words
  const branchIf = (condition: number, from: number, to: number): number => 0x54000000 | (((to - from) & 0x7ffff) << 5) | condition;
  const branch = (from: number, to: number): number => 0x14000000 | ((to - from) & 0x3ffffff);
  const [wait, exit, reap, mask] = [6, 18, 21, 30] as const;
  const [equal, notEqual, greater] = [0, 1, 12] as const;
  const code = [
    movz(0, 0), address(1, 1, mask), movz(2, 0), movz(3, 8), movz(8, 135), call, // rt_sigprocmask(SIG_BLOCK, &mask, 0, 8)
    address(0, wait, mask), movz(1, 0), movz(2, 0), movz(3, 8), movz(8, 137), call, // rt_sigtimedwait(&mask, 0, 0, 8)
    compare(17), branchIf(equal, 13, reap), compare(15), branchIf(equal, 15, exit), compare(2), branchIf(notEqual, 17, wait),
    movz(0, 0), movz(8, 94), call, // exit_group(0)
    minusOne, movz(1, 0), movz(2, 1), movz(3, 0), movz(8, 260), call, // wait4(-1, 0, WNOHANG, 0)
    compare(0), branchIf(greater, 28, reap), branch(29, wait),
  ];
  const bytes = Buffer.alloc(code.length * 4);
  code.forEach((instruction, index) => bytes.writeUInt32LE(instruction >>> 0, index * 4));
  return bytes;
}

const headerBytes = 64 + 56;
const loadAddress = 0x400000n;

/** A static ELF program of one segment that may be read and run. */
export function pauseProgram(architecture: "amd64" | "arm64"): Buffer {
  const mask = Buffer.alloc(8);
  mask.writeBigUInt64LE(signalMask);
  const code = Buffer.concat([architecture === "amd64" ? assembleX64() : assembleArm64(), mask]);
  const size = BigInt(headerBytes + code.length);
  const header = Buffer.alloc(headerBytes);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // ELF, 64 bits, little endian
  header.writeUInt16LE(2, 16); // executable
  header.writeUInt16LE(architecture === "amd64" ? 62 : 183, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(loadAddress + BigInt(headerBytes), 24); // entry
  header.writeBigUInt64LE(64n, 32); // program headers
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  header.writeUInt32LE(1, 64); // loaded
  header.writeUInt32LE(5, 68); // read, run
  header.writeBigUInt64LE(loadAddress, 80);
  header.writeBigUInt64LE(loadAddress, 88);
  header.writeBigUInt64LE(size, 96);
  header.writeBigUInt64LE(size, 104);
  header.writeBigUInt64LE(0x10000n, 112); // alignment: the largest page of arm64
  return Buffer.concat([header, code]);
}

export const pauseImage = (architecture = machineArchitecture()): BuiltImage => buildImage({
  architecture,
  layers: [[{ type: "file", name: "pause", mode: 0o755, data: pauseProgram(architecture) }]],
  config: { Entrypoint: ["/pause"], User: "65535:65535", WorkingDir: "/", Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"] },
  tags: [pauseImageName],
});
