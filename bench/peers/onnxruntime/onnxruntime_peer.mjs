// ONNX Runtime as a peer, forward only: a session of one Conv node, NCHW in and out, weights and bias as constants (the
// session lays them out once, when it is made). A time is one awaited session.run into a tensor made beforehand.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { convModel } from "./conv_model.mjs";

const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json");
const modes = ["default"];
const directions = ["FWD"];
const positive = ["g", "mb", "ic", "ih", "iw", "oc", "oh", "ow", "kh", "kw", "sh", "sw", "dh", "dw"];
const paddings = ["pt", "pl", "pb", "pr"];

function threadsFromArguments([option, count, ...rest]) {
  const threads = Number(count);
  if (option === "--threads" && rest.length === 0 && Number.isInteger(threads) && threads >= 1) return threads;
  console.error("usage: onnxruntime_peer.mjs --threads T");
  process.exit(2);
}

const threads = threadsFromArguments(process.argv.slice(2));
const plan = { session: null, feeds: null, fetches: null, hasRun: false };

function describe() {
  const details = `onnxruntime-node ${version}, CPU provider, ${threads} threads, node ${process.version}`;
  return { name: "onnxruntime", version, details, modes, directions };
}

function check(member, value, known) {
  if (!known.includes(value)) throw new Error(`${member}: is '${value}', must be one of ${known.join(", ")}`);
}

function checkProblem(p) {
  for (const name of [...positive, ...paddings])
    if (!Number.isInteger(p?.[name])) throw new Error(`problem: ${name} is ${p?.[name]}, must be a whole number`);
  for (const name of positive)
    if (p[name] < 1) throw new Error(`problem: ${name} is ${p[name]}, must be at least 1`);
  if (p.ic % p.g !== 0 || p.oc % p.g !== 0) throw new Error("problem: g must divide ic and oc");
  const oh = Math.floor((p.ih + p.pt + p.pb - p.dh * (p.kh - 1) - 1) / p.sh) + 1;
  const ow = Math.floor((p.iw + p.pl + p.pr - p.dw * (p.kw - 1) - 1) / p.sw) + 1;
  if (p.oh !== oh || p.ow !== ow) throw new Error(`problem: oh×ow is ${p.oh}×${p.ow}, must be ${oh}×${ow}`);
}

function readTensor(directory, name, dims) {
  const bytes = readFileSync(join(directory, `${name}.bin`));
  const length = dims.reduce((product, size) => product * size, 1);
  if (bytes.length !== 4 * length) throw new Error(`${name}.bin has ${bytes.length} bytes, must have ${4 * length}`);
  return bytes;
}

// A copy: the bytes of a file need not start at a multiple of four.
const floats = (bytes) => new Float32Array(new Uint8Array(bytes).buffer);

async function release() {
  await plan.session?.release();
  Object.assign(plan, { session: null, feeds: null, fetches: null, hasRun: false });
}

async function prepare({ mode, dir, problem: p, bias, data }) {
  await release();
  check("mode", mode, modes);
  check("dir", dir, directions);
  checkProblem(p);
  if (paddings.some((name) => p[name] < 0)) return { supported: false, reason: "Conv has no negative padding" };
  const inputDims = [p.mb, p.ic, p.ih, p.iw];
  const outputDims = [p.mb, p.oc, p.oh, p.ow];
  const x = floats(readTensor(data, "x", inputDims));
  const w = readTensor(data, "w", [p.oc, p.ic / p.g, p.kh, p.kw]);
  const model = convModel(p, w, bias ? readTensor(data, "b", [p.oc]) : null);
  const start = performance.now();
  const options = { intraOpNumThreads: threads, interOpNumThreads: 1, executionProviders: ["cpu"] };
  const session = await InferenceSession.create(model, options);
  const prepareSeconds = (performance.now() - start) / 1e3;
  const y = new Float32Array(outputDims.reduce((product, size) => product * size, 1));
  Object.assign(plan, { session, feeds: { x: new Tensor(x, inputDims) }, fetches: { y: new Tensor(y, outputDims) } });
  return { supported: true, algorithm: "Conv", prepareSeconds, workspaceBytes: null };
}

// Worker threads spin on for about 0.05 s after their last call: until they sleep, they take a core from the contestant
// that runs next. Gives up after a second.
async function waitUntilIdle() {
  for (let attempt = 0; attempt < 200; attempt++) {
    const before = process.cpuUsage();
    await setTimeout(5);
    const { user, system } = process.cpuUsage(before);
    if (user + system < 500) return; // microseconds
  }
}

async function run({ times }) {
  if (!plan.session) throw new Error("run: nothing is prepared");
  if (!Number.isInteger(times) || times < 1) throw new Error(`times: is ${times}, must be a whole number of at least 1`);
  const seconds = [];
  for (let i = 0; i < times; i++) {
    const start = process.hrtime.bigint();
    await plan.session.run(plan.feeds, plan.fetches);
    seconds.push(Number(process.hrtime.bigint() - start) / 1e9);
  }
  plan.hasRun = true;
  await waitUntilIdle();
  return { seconds };
}

function output({ dir }) {
  if (!plan.hasRun) throw new Error("output: nothing has run");
  const { data } = plan.fetches.y;
  writeFileSync(join(dir, "y.bin"), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return { files: ["y.bin"] };
}

function memory() {
  const peak = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
  if (!peak) throw new Error("/proc/self/status has no VmHWM");
  return { peakBytes: Number(peak[1]) * 1024 };
}

const quit = () => ({});
const commands = new Map(Object.entries({ describe, prepare, run, output, memory, quit }));

async function reply(request) {
  const command = commands.get(request.cmd);
  if (!command) throw new Error(`cmd: unknown command '${request.cmd}'`);
  return { ok: true, ...(await command(request)) };
}

// Answers requests until "quit" or the end of the input.
for await (const line of createInterface({ input: process.stdin })) {
  let request = {};
  let answer;
  try {
    request = JSON.parse(line);
    answer = await reply(request);
  } catch (failure) {
    answer = { ok: false, error: failure.message };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
  if (request?.cmd === "quit") break;
}
process.stdin.destroy(); // an open pipe would keep the process alive
