// What a page of another origin has in a browser and a program in node has not: a storage, and a `fetch` that says where it
// comes from, asks first, keeps cookies, and shows no more of an answer than it lets such pages read. (Fetch standard, §3.2)
import NodeFormData from "form-data";

const origin = "https://app.school.example";
const simpleTypes = /^(application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)\b/;
const openHeaders = [
  "cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma",
];
const nodesFetch = fetch;
const words = (text) => (text ?? "").toLowerCase().split(",").map((word) => word.trim()).filter(Boolean);

/** The paths that `fetch` was called for. */
export const asked = [];

/** The cookies of the service; null: none. */
export const jar = { cookie: null };

class Store {
  #texts = new Map();
  getItem(name) { return this.#texts.get(name) ?? null; }
  setItem(name, value) { this.#texts.set(name, String(value)); }
  removeItem(name) { this.#texts.delete(name); }
}

function letsRead(answer, isIncluded) {
  return answer.headers.get("Access-Control-Allow-Origin") === origin
    && (!isIncluded || answer.headers.get("Access-Control-Allow-Credentials") === "true");
}

/** Asks whether the page may send it. */
async function preflight(request, names, isIncluded) {
  const headers = { Origin: origin, "Access-Control-Request-Method": request.method };
  if (names.length) headers["Access-Control-Request-Headers"] = names.sort().join(",");
  const answer = await nodesFetch(request.url, { method: "OPTIONS", headers });
  await answer.arrayBuffer();
  const methods = words(answer.headers.get("Access-Control-Allow-Methods"));
  const allowed = words(answer.headers.get("Access-Control-Allow-Headers"));
  return answer.ok && letsRead(answer, isIncluded)
    && (["GET", "HEAD", "POST"].includes(request.method) || methods.includes(request.method.toLowerCase()))
    && names.every((name) => allowed.includes(name));
}

globalThis.localStorage = new Store();
globalThis.FormData = NodeFormData;    // the one that axios sends from node

globalThis.fetch = async (address, options = {}) => {
  const request = new Request(address, options);
  asked.push(new URL(request.url).pathname);
  const isIncluded = request.credentials === "include";
  const names = [...request.headers.keys()].filter((name) =>
    name !== "content-type" || !simpleTypes.test(request.headers.get(name)));
  const isSimple = ["GET", "HEAD", "POST"].includes(request.method) && names.length === 0;
  if (!isSimple && !await preflight(request, names, isIncluded)) throw new TypeError("Failed to fetch: preflight");

  const headers = new Headers(request.headers);
  headers.set("Origin", origin);
  headers.set("Sec-Fetch-Site", "cross-site");
  if (isIncluded && jar.cookie) headers.set("Cookie", jar.cookie);
  const answer = await nodesFetch(address, { ...options, headers });
  const body = await answer.arrayBuffer();
  const set = answer.headers.get("Set-Cookie");
  if (isIncluded && set) jar.cookie = set.includes("Max-Age=0") ? null : set.split(";")[0];
  if (!letsRead(answer, isIncluded)) throw new TypeError("Failed to fetch: the answer may not be read");

  const shown = [...openHeaders, ...words(answer.headers.get("Access-Control-Expose-Headers"))];
  return new Response([204, 304].includes(answer.status) ? null : body, {
    status: answer.status,
    headers: [...answer.headers].filter(([name]) => shown.includes(name)),
  });
};
