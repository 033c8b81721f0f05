// Cohere's TypeScript library, both protocols. Run with the folder that holds node_modules as argument, and
// the name of the package (another name for another version).
import { createRequire } from "node:module";
import path from "node:path";
import { readFileSync } from "node:fs";

const [folder, name] = process.argv.slice(2);
const modules = path.join(folder, "node_modules");
const { CohereClient, CohereClientV2 } = createRequire(path.join(modules, "_"))(name);
const { version } = JSON.parse(readFileSync(path.join(modules, name, "package.json"), "utf-8"));
const { url, key, scores, query, documents } = JSON.parse(process.env.INTEROP_SETTINGS);

const best = [...scores.keys()].sort((a, b) => scores[b] - scores[a]);
const expected = (top) => "ranks " + best.slice(0, top).join(" ");
const asked = { model: "rerank-v3.5", query, documents };

function ranking(answer) {
  const wrong = answer.results.filter((row) => Math.abs(row.relevanceScore - scores[row.index]) > 2e-3);
  const places = answer.results.map((row) => row.index).join(" ");
  return `ranks ${places}${wrong.length ? `; document ${wrong[0].index} has another score` : ""}`;
}

async function call(what, expected, run) {
  let got;
  try {
    got = await run();
  } catch (error) {
    got = error.statusCode ? `${error.statusCode} ${error.constructor.name}` : String(error).slice(0, 200);
  }
  console.log(JSON.stringify({ client: "cohere-ai (TypeScript)", version, call: what, expected, got }));
}

const options = { token: key, environment: url };
const v1 = new CohereClient(options);
const v2 = new CohereClientV2(options);
await call("CohereClient.rerank", expected(), async () => ranking(await v1.rerank(asked)));
await call("CohereClient.rerank, topN", expected(2), async () => ranking(await v1.rerank({ ...asked, topN: 2 })));
await call("CohereClient.rerank, returnDocuments of objects", documents[best[0]], async () => {
  const objects = documents.map((text) => ({ text, id: "7" }));
  const answer = await v1.rerank({ ...asked, documents: objects, returnDocuments: true });
  return answer.results[0].document.text;
});
await call("CohereClient.v2.rerank", expected(), async () => ranking(await v1.v2.rerank(asked)));
await call("CohereClientV2.rerank", expected(), async () => ranking(await v2.rerank(asked)));
await call("CohereClientV2.rerank, maxTokensPerDoc", expected(1), async () =>
  ranking(await v2.rerank({ ...asked, topN: 1, maxTokensPerDoc: 400 })),
);
await call("CohereClientV2.rerank, no documents", "400 BadRequestError", () => v2.rerank({ ...asked, documents: [] }));
await call("CohereClientV2.rerank, unknown model", "404 NotFoundError", () => v2.rerank({ ...asked, model: "rerank-v9" }));
await call("CohereClientV2.rerank, wrong key", "401 UnauthorizedError", () =>
  new CohereClientV2({ ...options, token: "no" }).rerank(asked),
);
