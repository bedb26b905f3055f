// `migrate deploy` again and again in one process, so that starting Node does not blur the moment: for each line
// with an address and the migrations of a folder, what the CLI asks of the engine, on a connection of its own.
import readline from "node:readline";
import { Adapter } from "./adapter.mjs";
import { bindMigrationAwareSqlAdapterFactory, load } from "./installed.mjs";

const SchemaEngine = await load();
const datamodels = [["schema.prisma", 'datasource db {\n  provider = "postgresql"\n  url = "postgresql://"\n}\n']];
const filters = { externalTables: [], externalEnums: [] };
say("ready");
for await (const line of readline.createInterface({ input: process.stdin })) say(await deploy(JSON.parse(line)));

async function deploy({ address, migrations }) {
  const adapter = new Adapter(address);
  try {
    const factory = bindMigrationAwareSqlAdapterFactory(adapter);
    const engine = await SchemaEngine.new({ datamodels }, () => {}, factory);
    const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList: listed(migrations), filters });
    return { applied: appliedMigrationNames };
  } catch ({ message, code }) {
    return { error: message, code };
  } finally {
    await adapter.close();
  }
}

/** A folder as the CLI hands it to the engine. */
function listed(migrations) {
  const named = ([path, value]) => ({ path, migrationFile: { path: "migration.sql", content: { tag: "ok", value } } });
  return {
    baseDir: "migrations",
    lockfile: { path: "migration_lock.toml", content: 'provider = "postgresql"\n' },
    migrationDirectories: Object.entries(migrations).map(named),
    shadowDbInitScript: "",
  };
}

function say(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
