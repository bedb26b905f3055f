// What npm put into the folder of one Prisma version, PRISMA_HOME: the engine, and what it needs to be run.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(path.join(process.env.PRISMA_HOME, "package.json"));
const glue = require.resolve("@prisma/schema-engine-wasm/schema_engine_bg");

export const pg = require("pg");
export const { ColumnTypeEnum, DriverAdapterError, bindMigrationAwareSqlAdapterFactory } =
  require("@prisma/driver-adapter-utils");

/** The official schema engine: the same code as the native program, compiled to WebAssembly. */
export async function load() {
  const engine = await import(pathToFileURL(glue));
  const compiled = new WebAssembly.Module(fs.readFileSync(path.join(path.dirname(glue), "schema_engine_bg.wasm")));
  const { exports } = new WebAssembly.Instance(compiled, { "./schema_engine_bg.js": engine });
  engine.__wbg_set_wasm(exports);
  exports.__wbindgen_start();
  return engine.SchemaEngine;
}
