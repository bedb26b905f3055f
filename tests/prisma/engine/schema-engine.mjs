#!/usr/bin/env node
// Takes the place of the native schema engine, which npm cannot install: the CLI starts it, writes JSON-RPC to
// it, a request per line, and reads the answers. The engine behind it is the official WASM build.
import fs from "node:fs";
import readline from "node:readline";
import { parseArgs } from "node:util";
import { Adapter } from "./adapter.mjs";
import { bindMigrationAwareSqlAdapterFactory, load } from "./installed.mjs";

const options = { datamodels: { type: "string", multiple: true }, datasource: { type: "string" } };
const { values, positionals } = parseArgs({ options, strict: false, allowPositionals: true });
const NAMES = { getDatabaseVersion: "version" }; // where the two builds call a method differently

if (positionals[0] === "cli") await connects();
else await serve();

function address() {
  const told = values.datasource ?? process.env.DATABASE_URL;
  return told.startsWith("{") ? JSON.parse(told).url : told;
}

async function connects() {
  try {
    await (await new Adapter(address()).enter()).end();
  } catch (error) {
    const fields = { message: error.message, error_code: error.code === "3D000" ? "P1003" : "P1001" };
    process.stderr.write(`${JSON.stringify({ level: "ERROR", target: "schema_engine::logger", fields })}\n`);
    process.exitCode = 1;
  }
}

async function serve() {
  const engine = await started();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    if (request.method) await answer(engine, request); // what has none acknowledges what we printed
  }
  process.exit(0);
}

async function started() {
  const SchemaEngine = await load();
  const datamodels = values.datamodels?.map((name) => [name, fs.readFileSync(name, "utf8")]);
  return SchemaEngine.new({ datamodels }, () => {}, bindMigrationAwareSqlAdapterFactory(new Adapter(address())));
}

async function answer(engine, { id, method, params }) {
  try {
    const result = await engine[NAMES[method] ?? method](params);
    say({ id, result: method === "diff" ? printed(id, result) : (result ?? {}) });
  } catch ({ message, code }) {
    say({ id, error: { code: 4466, message, data: { is_panic: false, message, error_code: code, meta: null } } });
  }
}

/** The native engine has the CLI print the difference before it answers. */
function printed(id, { exitCode, stdout }) {
  if (stdout != null) say({ id: id + 1_000_000, method: "print", params: { content: stdout.replace(/\n$/, "") } });
  return { exitCode, stdout: null };
}

function say(message) {
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
}
