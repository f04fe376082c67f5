/**
 * How a frontend calls Homeroom. Copy this file: it needs nothing else.
 *
 * With the cookie of contract 3, as Homeroom's own pages do it; the browser keeps and sends it, and it renews itself:
 *
 *     const api = new Client();
 *     await api.send("POST", "/api/user/login/", { username, password, role: "student" });
 *     const { body: account } = await api.send("GET", "/api/account/");
 *
 * With the tokens of contract 1. When the access token has ended, the client renews it once, however many calls wait
 * for that, and repeats them. `tokens` is any object with `access` and `refresh`; both are replaced in it:
 *
 *     const api = new Client({ origin: "https://school.example", tokens, language: () => "en" });
 *
 * What is refused throws `Refused`, whatever the contract's shape of errors is:
 *
 *     try { … } catch (error) {
 *       if (error.status === 401) …         // sign in again
 *       error.message                       // for people
 *       error.fields                        // { email: ["This address belongs to another account."] }
 *     }
 */
export class Client {
  /**
   * @param {string} origin    where Homeroom is; "" is the page's own origin
   * @param {{access: string, refresh: string}} [tokens]    none: the cookie
   * @param {() => string} [language]    "zh" or "en", for the messages of contract 6
   */
  constructor({ origin = "", tokens = null, language = () => document.documentElement.lang } = {}) {
    Object.assign(this, { origin, tokens, language, renewal: null });
  }

  /**
   * One call. A FormData goes as multipart/form-data, anything else as JSON.
   *
   * @param {(part: number) => void} [onProgress]    called with 0…1 while the body is sent
   * @returns {Promise<{status: number, body: any, headers: Headers}>}    `body` is null after a 204
   */
  async send(method, path, body, onProgress) {
    const access = this.tokens?.access;
    let answer = await this.attempt(method, path, body, onProgress);
    if (answer.status === 401 && access) {
      if (this.tokens.access === access) await this.renewed();
      answer = await this.attempt(method, path, body, onProgress);
    }
    if (answer.status >= 400) throw new Refused(answer);
    return answer;
  }

  /** New tokens. Whoever asks while they are on their way waits for the same ones. */
  renewed() {
    this.renewal ??= this.attempt("POST", "/api/v1/auth/token/refresh/", { refresh: this.tokens.refresh })
      .then((answer) => {
        if (answer.status !== 200) throw new Refused(answer);
        Object.assign(this.tokens, answer.body);
      })
      .finally(() => { this.renewal = null; });
    return this.renewal;
  }

  // XMLHttpRequest and not fetch: fetch tells nothing of an upload's progress.
  attempt(method, path, body, onProgress) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open(method, this.origin + path);
      request.withCredentials = !this.tokens;
      request.timeout = 90_000;    // longer than Homeroom takes for anything
      request.setRequestHeader("Accept-Language", this.language());
      if (this.tokens) request.setRequestHeader("Authorization", `Bearer ${this.tokens.access}`);
      const isForm = body instanceof FormData;
      if (body !== undefined && !isForm) request.setRequestHeader("Content-Type", "application/json");
      if (onProgress) request.upload.onprogress = (event) => onProgress(event.loaded / event.total);
      request.onload = () => resolve({
        status: request.status, body: parsed(request.responseText),
        headers: new Headers(request.getAllResponseHeaders().trim().split(/\r\n/).map((line) => line.split(/: (.*)/s, 2))),
      });
      request.onerror = request.ontimeout = () => reject(new Refused({ status: 0, body: null, headers: new Headers() }));
      request.send(isForm || body === undefined ? body : JSON.stringify(body));
    });
  }
}

/** Why a call did not succeed. */
export class Refused extends Error {
  constructor({ status, body, headers }) {
    super(body?.title ?? body?.message ?? body?.error ?? (typeof body?.detail === "string" ? body.detail : ""));
    this.status = status;                                              // 0: no answer came
    this.code = body?.code ?? null;                                    // contract 6: a word for programs
    this.fields = fields(body);                                        // what is wrong with which field
    this.retryAfter = Number(headers.get("Retry-After")) || null;      // seconds, of a 429 or 503
    this.request = headers.get("X-Request-Id");                        // how its operator finds it in the log
  }
}

/** Where `Link` says that a list goes on: path and query; null at its end. */
export function next(headers) {
  const url = headers.get("Link")?.match(/<([^>]*)>; *rel="next"/)?.[1];
  if (!url) return null;
  const { pathname, search } = new URL(url, location.href);
  return pathname + search;
}

function parsed(text) {
  try { return JSON.parse(text); } catch { return null; }
}

// Contract 6 lists errors, contract 4 too in its own way; 1, 3 and 5 have a map under `errors`, 2 has nothing but the map.
function fields(body) {
  const errors = body?.errors ?? body?.detail ?? body ?? {};
  const pairs = Array.isArray(errors)
    ? errors.map((error) => [error.field ?? error.loc?.at(-1), [error.message ?? error.msg]])
    : Object.entries(errors).filter(([, texts]) => Array.isArray(texts));
  const map = {};
  for (const [field, texts] of pairs) (map[field] ??= []).push(...texts);
  return map;
}
