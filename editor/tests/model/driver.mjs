// Reads {files: [[name, text]], catalogue, seed} from a file and writes {name: [{what, text}]}: see `edits.ts`.
import { readFileSync } from "node:fs";
import { createServer } from "vite";

const { files, catalogue, seed } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const server = await createServer({ server: { middlewareMode: true }, appType: "custom", logLevel: "error" });
const { edits } = await server.ssrLoadModule("/tests/model/edits.ts");
const found = files.map(([name, text]) => [name, edits(name, text, catalogue, seed)]);
process.stdout.write(JSON.stringify(Object.fromEntries(found)), () => server.close());
