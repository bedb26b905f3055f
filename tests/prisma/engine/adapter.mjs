// How the WASM engine reaches PostgreSQL: one connection, as the native engine has one, so that Prisma's session
// lock and its settings live as long as it works. (The adapter for applications uses a pool, cuts scripts at
// every semicolon and does not know the catalog's own types.)
import { randomUUID } from "node:crypto";
import { ColumnTypeEnum as Type, DriverAdapterError, pg } from "./installed.mjs";
import { statements } from "./statements.mjs";

const number = (text) => Number(text);
const same = (text) => text;
const moment = (text) => text.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00");
const list = (item) => (text) => pg.types.arrayParser.create(text, item).parse();

// PostgreSQL's number of a type -> what the engine calls it, and how its text is read.
const TYPES = new Map([
  [16, [Type.Boolean, (text) => text === "t"]],
  [18, [Type.Character, same]],
  [20, [Type.Int64, same]],
  [21, [Type.Int32, number]],
  [23, [Type.Int32, number]],
  [26, [Type.Int64, same]],
  [114, [Type.Json, same]],
  [700, [Type.Float, number]],
  [701, [Type.Double, number]],
  [1002, [Type.CharacterArray, list(same)]],
  [1003, [Type.TextArray, list(same)]],
  [1005, [Type.Int32Array, list(number)]],
  [1007, [Type.Int32Array, list(number)]],
  [1009, [Type.TextArray, list(same)]],
  [1015, [Type.TextArray, list(same)]],
  [1016, [Type.Int64Array, list(same)]],
  [1184, [Type.DateTime, moment]],
  [1700, [Type.Numeric, same]],
  [2950, [Type.Uuid, same]],
  [3802, [Type.Json, same]],
]);
const TEXT = [Type.Text, same];

class Connection {
  provider = "postgres";
  adapterName = "tests/prisma";

  constructor(client, schema, afterwards = async () => {}) {
    Object.assign(this, { client, schema, afterwards });
  }

  async queryRaw({ sql, args }) {
    const { fields, rows } = await this.ask(sql, args);
    const types = fields.map((field) => TYPES.get(field.dataTypeID) ?? TEXT);
    return {
      columnNames: fields.map((field) => field.name),
      columnTypes: types.map(([type]) => type),
      rows: rows.map((row) => row.map((text, column) => (text === null ? null : types[column][1](text)))),
    };
  }

  async executeRaw({ sql, args }) {
    if (process.env.PRISMA_NO_LOCK && sql.includes("pg_advisory_lock")) return 0;
    return (await this.ask(sql, args)).rowCount ?? 0;
  }

  /** Up to 7.3 the engine sends a script as one message, which is one transaction; since 7.4 in pieces. */
  async executeScript(script) {
    const parts = process.env.PRISMA_SCRIPTS === "in pieces" ? statements(script) : [script];
    for (const part of parts) await this.told(() => this.client.query(part));
  }

  async ask(text, values) {
    const types = { getTypeParser: () => same };
    return this.told(() => this.client.query({ text, values, types, rowMode: "array" }));
  }

  async told(ask) {
    try {
      return await ask();
    } catch (error) {
      throw inTheEnginesWords(error);
    }
  }

  startTransaction() {
    throw new Error("The schema engine asks for no transactions.");
  }

  getConnectionInfo() {
    return { schemaName: this.schema, supportsRelationJoins: false };
  }

  async dispose() {
    await this.client.end();
    await this.afterwards();
  }
}

function inTheEnginesWords(error) {
  const { code, severity, message, detail, column, hint } = error;
  if (code === "3D000") return new DriverAdapterError({ kind: "DatabaseDoesNotExist" });
  if (code === "28P01") return new DriverAdapterError({ kind: "AuthenticationFailed" });
  if (!severity) return new DriverAdapterError({ kind: "ConnectionClosed" });
  return new DriverAdapterError({ kind: "postgres", code, severity, message, detail, column, hint });
}

/** Makes the engine's connections to the database of an address, and to empty ones beside it. */
export class Adapter {
  provider = "postgres";
  adapterName = "tests/prisma";

  constructor(address) {
    this.address = new URL(address);
    this.schema = this.address.searchParams.get("schema") ?? undefined;
    this.open = new Set();
  }

  async connect() {
    return this.keep(new Connection(await this.enter(), this.schema));
  }

  async connectToShadowDb() {
    const name = `shadow_${randomUUID()}`;
    const beside = await this.enter("postgres");
    await beside.query(`CREATE DATABASE "${name}" TEMPLATE template0`);
    return this.keep(new Connection(await this.enter(name), this.schema, async () => {
      await beside.query(`DROP DATABASE "${name}"`);
      await beside.end();
    }));
  }

  keep(connection) {
    this.open.add(connection);
    const { dispose } = connection;
    connection.dispose = async () => {
      if (this.open.delete(connection)) await dispose.call(connection);
    };
    return connection;
  }

  /** The end of the engine's process, for one that serves several. */
  async close() {
    for (const connection of this.open) await connection.dispose();
  }

  async enter(database = decodeURIComponent(this.address.pathname.slice(1))) {
    const client = new pg.Client({
      host: this.address.searchParams.get("host") ?? this.address.hostname,
      port: Number(this.address.port || 5432),
      user: decodeURIComponent(this.address.username),
      password: decodeURIComponent(this.address.password),
      options: this.schema && `-c search_path="${this.schema}"`,
      application_name: "prisma",
      database,
    });
    client.on("error", () => {}); // the query that is under way says it too
    await client.connect();
    return client;
  }
}
