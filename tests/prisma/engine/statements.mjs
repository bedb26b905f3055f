const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?\*\/|\b[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$[\s\S]*?\$\1\$|;|[\s\S]/g;
const COMMENT = /^(--|\/\*)/;

/** The statements of a script, cut at the semicolons that stand outside of quotes and comments. */
export function statements(script) {
  const found = [""];
  for (const [token] of script.matchAll(TOKEN)) {
    if (token === ";") found.push("");
    else if (!COMMENT.test(token)) found[found.length - 1] += token;
  }
  return found.filter((statement) => statement.trim());
}
