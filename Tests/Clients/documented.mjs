// The JavaScript of docs/frontends.md, or of its translation, as a frontend has it: each block begins with the name of its
// file.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";
import axios from "axios";
import { asked, jar } from "./browser.mjs";
import { expired, newName, newPerson, password, pictureFile, service } from "./service.mjs";

const document = process.argv[4];

const blocksOf = (file) =>
  [...fs.readFileSync(file, "utf8").matchAll(/^```js\n\/\/ ([a-z0-9-]+\.js)\n([^]*?)^```$/gm)];

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "documented-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true }));
fs.writeFileSync(path.join(folder, "package.json"), '{"type": "module"}');
const blocks = blocksOf(document);
for (const [, name, text] of blocks) {
  fs.writeFileSync(path.join(folder, name), text.replaceAll("https://homeroom.example.org", service));
}

const example = (name) => import(pathToFileURL(path.join(folder, name)));

/** What a call fails with. */
const failure = (call) => call.then(() => assert.fail("it did not fail"), (error) => error);

test("it has one example for each contract", () => {
  assert.deepEqual(blocks.map((block) => block[1]), [
    "v1-profile.js", "email-auth.js", "role-session.js", "users-token.js", "v1-auth.js", "account.js",
  ]);
});

test("it has the code of its translation", () => {
  const code = (name) => blocksOf(path.join(path.dirname(document), name))
    .map((block) => block[2].replace(/(^|\s)\/\/ .*$|\/\*\* .* \*\//gm, ""));

  assert.deepEqual(code("frontends.zh.md"), code("frontends.md"));
});

test("contract 1: twenty requests with an expired token cost one renewal", async (context) => {
  const { signIn, profile } = await example("v1-profile.js");
  const person = await newPerson();
  await signIn(person.username, password);
  localStorage.setItem("access", expired(localStorage.getItem("access")));
  const posts = context.mock.method(axios, "post");

  const profiles = await Promise.all(Array.from({ length: 20 }, profile));

  assert.deepEqual(new Set(profiles.map((user) => user.id)), new Set([person.id]));
  assert.equal(posts.mock.callCount(), 1);
});

test("contract 1: a picture goes up with its progress, and is there", async () => {
  const { signIn, uploadAvatar, profile } = await example("v1-profile.js");
  const person = await newPerson();
  await signIn(person.email, password);
  const steps = [];
  const file = pictureFile();
  const picked = Object.assign(fs.createReadStream(file), { size: fs.statSync(file).size });

  const url = await uploadAvatar(picked, (part) => steps.push(part));

  assert.equal((await profile()).avatar_url, url);
  assert.ok(steps.length > 1 && steps.every((part, index) => part >= (steps[index - 1] ?? 0)), `${steps}`);
  assert.equal(steps.at(-1), 1);
  assert.equal((await axios.get(url)).headers["content-type"], "image/png");
});

test("contract 1: errors come with the texts for the form", async () => {
  const { signIn, uploadAvatar, fieldErrors } = await example("v1-profile.js");
  const person = await newPerson();

  const wrong = await failure(signIn(person.username, "wrong-Owls-42"));
  const missing = await failure(signIn("", password));
  await signIn(person.username, password);
  const noPicture = await failure(uploadAvatar(fs.createReadStream(document), () => {}));

  assert.deepEqual(fieldErrors(wrong), { "": ["用户名或密码错误"] });
  assert.deepEqual(fieldErrors(missing), { username: ["This field may not be blank."] });
  assert.deepEqual(Object.keys(fieldErrors(noPicture)), ["avatar"]);
});

test("contract 1: after the logout nothing is kept, and the session is over", async () => {
  const { signIn, signOut, profile } = await example("v1-profile.js");
  const person = await newPerson();
  await signIn(person.username, password);
  const access = localStorage.getItem("access");

  await signOut();

  assert.equal(localStorage.getItem("access"), null);
  assert.equal(localStorage.getItem("refresh"), null);
  assert.equal((await failure(profile())).response.status, 401);
  localStorage.setItem("access", access);
  assert.equal((await failure(profile())).response.status, 401);
});

test("contract 1: a session that was ended elsewhere ends with the login", async () => {
  const { signIn, profile } = await example("v1-profile.js");
  const person = await newPerson();
  await signIn(person.username, password);
  await axios.post(`${service}/api/v1/auth/logout/`, { refresh: localStorage.getItem("refresh") }, {
    headers: { Authorization: `Bearer ${localStorage.getItem("access")}` },
  });

  const error = await failure(profile());

  assert.equal(error.response.status, 401);
  assert.equal(localStorage.getItem("refresh"), null);
});

test("contract 2: registered, renewed, signed out", async () => {
  const { register, whoAmI, signOut } = await example("email-auth.js");
  const name = newName();
  await register(`${name}@example.com`, name, password, password);
  const tokens = JSON.parse(localStorage.getItem("tokens"));
  tokens.access = expired(tokens.access);
  localStorage.setItem("tokens", JSON.stringify(tokens));
  // As when the page is opened again.
  const again = await import(`${pathToFileURL(path.join(folder, "email-auth.js"))}?again`);

  const users = await Promise.all(Array.from({ length: 20 }, again.whoAmI));
  const renewed = JSON.parse(localStorage.getItem("tokens"));
  await again.signOut();

  assert.deepEqual(new Set(users.map((user) => user.username)), new Set([name]));
  assert.notEqual(renewed.refresh, tokens.refresh);
  assert.equal(asked.filter((path) => path === "/api/auth/token/refresh/").length, 1);
  assert.equal((await failure(whoAmI())).status, 401);
  await assert.rejects(signOut());
});

test("contract 2: errors come with the texts for the form", async () => {
  const { register, signIn } = await example("email-auth.js");
  const person = await newPerson();

  const refused = await failure(register(person.email, "", "12345", "1234"));
  const wrong = await failure(signIn(person.email, "wrong-Owls-42"));

  assert.deepEqual(refused.fields.password, ["密码太短", "密码不能全是数字"]);
  assert.deepEqual(Object.keys(refused.fields).sort(), ["email", "password", "password2", "username"]);
  assert.deepEqual([wrong.status, wrong.message, wrong.fields], [401, "邮箱或密码错误", {}]);
});

test("contract 3: a page of another origin signs in and out with the cookie", async () => {
  const { signIn, me, rename, signOut } = await example("role-session.js");
  const person = await newPerson();

  const nobody = await me();
  const user = await signIn(person.username, password, "student");
  const renamed = await rename(`${person.username}x`);
  const shown = await me();
  await signOut();

  assert.equal(nobody, null);
  assert.equal(user.role, "student");
  assert.equal(renamed.username, `${person.username}x`);
  assert.deepEqual(shown, renamed);
  assert.equal(await me(), null);
  assert.equal(jar.cookie, null);
});

test("contract 3: its list is walked through to the end", async () => {
  const { signIn, people, signOut } = await example("role-session.js");
  const some = await Promise.all(Array.from({ length: 30 }, newPerson));
  await signIn(some[0].username, password, "student");

  const found = [];
  for await (const person of people("student", 25)) found.push(person.id);
  await signOut();

  assert.equal(new Set(found).size, found.length);
  for (const person of some) assert.ok(found.includes(person.id));
});

test("contract 3: errors come with the texts for the form", async () => {
  const { signIn } = await example("role-session.js");
  const person = await newPerson();

  const otherRole = await failure(signIn(person.username, password, "teacher"));
  const wrong = await failure(signIn(person.username, "wrong-Owls-42", "teacher"));

  assert.deepEqual([otherRole.status, otherRole.fields], [400, { role: ["所选角色与用户角色不匹配"] }]);
  assert.deepEqual([wrong.status, wrong.message, wrong.fields], [401, "用户名或密码错误", {}]);
});

test("contract 4: the token renews itself in its second half", async () => {
  const { signIn, renewInTime, me, signOut } = await example("users-token.js");
  const person = await newPerson();
  await signIn(person.email, password);
  const first = localStorage.getItem("token");
  const due = Number(localStorage.getItem("renew_at")) - Date.now();

  await renewInTime();
  const unchanged = localStorage.getItem("token");
  localStorage.setItem("renew_at", Date.now());
  await renewInTime();
  const second = localStorage.getItem("token");
  const shown = await me();
  await signOut();

  assert.ok(due > 5_000_000 && due <= 5_400_000, `${due}`);
  assert.equal(unchanged, first);
  assert.notEqual(second, first);
  assert.equal(shown.email, person.email);
  assert.equal(localStorage.getItem("token"), null);
});

test("contract 4: a token that has ended leads to the login", async () => {
  const { signIn, renewInTime } = await example("users-token.js");
  const person = await newPerson();
  await signIn(person.email, password);
  localStorage.setItem("token", expired(localStorage.getItem("token")));
  localStorage.setItem("renew_at", 0);

  const error = await failure(renewInTime());

  assert.equal(error.status, 403);
  assert.equal(localStorage.getItem("token"), null);
});

test("contract 4: errors come with the texts for the form", async () => {
  const { signIn } = await example("users-token.js");
  const person = await newPerson();

  const missing = await failure(signIn(undefined, password));
  const wrong = await failure(signIn(person.email, "wrong-Owls-42"));

  assert.deepEqual([missing.status, missing.fields], [422, { email: ["Field required"] }]);
  assert.deepEqual([wrong.status, wrong.message], [400, "Incorrect email or password"]);
});

test("contract 5: the token renews itself, remembered or not", async () => {
  const { signIn, renewInTime, me, signOut } = await example("v1-auth.js");
  const person = await newPerson();

  for (const [isRemembered, life] of [[false, 3_600_000], [true, 30 * 86_400_000]]) {
    const user = await signIn(person.email, password, isRemembered);
    const first = localStorage.getItem("token");
    const due = Number(localStorage.getItem("renew_at")) - Date.now();
    localStorage.setItem("renew_at", 0);
    await renewInTime();

    assert.equal(user.username, person.username);
    assert.ok(due > life / 2 - 60_000 && due <= life / 2, `${due}`);
    assert.notEqual(localStorage.getItem("token"), first);
    assert.equal((await me()).id, person.id);
    await signOut();
    assert.equal((await failure(me())).status, 401);
  }
});

test("contract 5: errors come with the texts for the form", async () => {
  const { signIn, forgotPassword } = await example("v1-auth.js");
  const person = await newPerson();

  const wrong = await failure(signIn(person.email, "wrong-Owls-42"));
  const missing = await failure(forgotPassword(""));

  assert.deepEqual([wrong.status, wrong.message, wrong.fields], [401, "用户名或密码错误", {}]);
  assert.deepEqual([missing.status, missing.message], [400, "参数验证失败"]);
  assert.deepEqual(missing.fields, { email: ["该字段不能为空。"] });
  assert.equal(await forgotPassword("nobody@example.com"), "如果邮箱存在，重置链接已发送");
});

/** Somebody new who is signed in with the cookie. */
async function signedInPerson() {
  const { signIn } = await example("role-session.js");
  const person = await newPerson();
  await signIn(person.username, password, "student");
  return person;
}

test("contract 6: the account is shown and changed", async () => {
  const { account, change } = await example("account.js");
  const person = await signedInPerson();

  const before = await account();
  const after = await change({ full_name: "张三", language: "en" });

  assert.deepEqual([before.username, before.full_name, before.avatar], [person.username, null, null]);
  assert.deepEqual(after, { ...before, full_name: "张三", language: "en" });
});

test("contract 6: a file goes up as it is", async () => {
  const { setAvatar } = await example("account.js");
  await signedInPerson();

  const { avatar } = await setAvatar(new Blob([fs.readFileSync(pictureFile(100))], { type: "image/png" }));

  for (const url of Object.values(avatar)) assert.equal((await axios.get(url)).status, 200, url);
});

test("contract 6: other sessions are shown and ended", async () => {
  const { sessions, endOtherSessions } = await example("account.js");
  await signedInPerson();

  const before = await sessions();
  await endOtherSessions();
  const after = await sessions();

  assert.deepEqual(before.map((session) => [session.contract, session.is_current]), [
    ["role-session", true], ["v1-profile", false],
  ]);
  assert.deepEqual(after.map((session) => session.id), [before[0].id]);
});

test("contract 6: a problem says what, where and under which number", async () => {
  const { change, call, Problem } = await example("account.js");
  await signedInPerson();

  const noPassword = await failure(change({ email: "elsewhere@example.com" }));
  const noPath = await failure(call("GET", "/nothing/"));
  jar.cookie = null;
  const nobody = await failure(call("GET", "/"));

  assert.ok(noPassword instanceof Problem);
  assert.deepEqual([noPassword.status, noPassword.code], [400, "invalid"]);
  assert.equal(noPassword.fields.current_password.code, "required");
  assert.match(noPassword.request, /^[0-9a-f]{32}$/);
  assert.deepEqual([noPath.status, noPath.code], [404, "not_found"]);
  assert.deepEqual([nobody.status, nobody.code], [401, "not_authenticated"]);
});

/** Of each contract: a path that takes JSON, and which keys its errors have, with fields and without. */
const shapes = [
  ["/api/v1/auth/login/", ["errors", "message"], ["detail"]],
  ["/api/auth/login/", ["email", "password"], ["error"]],
  ["/api/user/login/", ["errors", "message", "password", "role", "username"], ["message"]],
  ["/api/users/login", ["detail"], ["detail"]],
  ["/api/v1/auth/login/json", ["detail", "errors"], ["detail"]],
  ["/api/account/email/undo/", ["code", "errors", "request", "status", "title", "type"],
    ["code", "request", "status", "title", "type"]],
];

test("the table of errors: each contract's shape, nginx's own errors included", async () => {
  const json = { "Content-Type": "application/json" };
  for (const [address, withFields, others] of shapes) {
    const post = (headers, body) => fetch(service + address, { method: "POST", headers, body });
    const answers = {
      fields: await post(json, "{}"),
      404: await fetch(`${service}${address.replace(/login.*|undo.*/, "nothing/at/all")}`),
      405: await fetch(service + address),
      413: await post(json, `{"a": "${"a".repeat(70_000)}"}`),
      nginx: await post(json, `{"a": "${"a".repeat(200_000)}"}`),
      415: await post({ "Content-Type": "text/xml" }, "<a/>"),
    };
    const found = {};
    for (const [name, answer] of Object.entries(answers)) {
      found[name] = [answer.status, Object.keys(await answer.json()).sort()];
      assert.match(answer.headers.get("X-Request-Id"), /^[0-9a-f]{32}$/);
    }

    assert.deepEqual(found, {
      fields: [address.startsWith("/api/users/") ? 422 : 400, withFields],
      404: [404, others], 405: [405, others], 413: [413, others], nginx: [413, others], 415: [415, others],
    }, address);
  }
});

test("the table of errors: a lock says how long, in 423 as in 429", async () => {
  const name = newName();
  const wrong = { username: name, role: "student", password: "wrong-Owls-42" };
  const login = async (path) => (await failure(axios.post(service + path, wrong))).response;
  for (let failures = 0; failures < 10; failures += 1) await login("/api/v1/auth/login/json");

  const answers = [
    await login("/api/v1/auth/login/"), await login("/api/user/login/"), await login("/api/v1/auth/login/json"),
  ];

  assert.deepEqual(answers.map((answer) => answer.status), [429, 429, 423]);
  for (const { headers } of answers) {
    assert.ok(headers["retry-after"] > 0 && headers["retry-after"] <= 900, headers["retry-after"]);
  }
});
