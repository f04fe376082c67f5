// Clients that use axios, as frontends of the five documents do.
import assert from "node:assert/strict";
import fs from "node:fs";
import test from "node:test";
import axios from "axios";
import FormData from "form-data";
import { expired, newName, newPerson, password, pictureFile, service } from "./service.mjs";

/** A frontend of contract 1 whose access token has expired; `renewals` counts what it sends to `token/refresh`. */
function frontend(person, { isShared }) {
  const api = axios.create({ baseURL: `${service}/api/v1` });
  const state = { api, access: expired(person.access), refresh: person.refresh, renewals: 0 };
  let renewing = null;

  async function renew() {
    state.renewals += 1;
    const { refresh } = state;
    try {
      Object.assign(state, (await axios.post(`${service}/api/v1/auth/token/refresh/`, { refresh })).data);
    } catch (error) {
      state.refresh = null;
      throw error;
    }
  }

  api.interceptors.request.use((config) => {
    config.headers.Authorization = `Bearer ${state.access}`;
    return config;
  });
  api.interceptors.response.use(undefined, async (error) => {
    const { config, response } = error;
    if (response?.status !== 401 || config.isRepeated || !state.refresh) throw error;
    if (isShared) {
      // Another request may have renewed it in the meantime.
      if (config.headers.Authorization !== `Bearer ${state.access}`) return api({ ...config, isRepeated: true });
      renewing ??= renew().finally(() => { renewing = null; });
      await renewing;
    } else {
      await renew();
    }
    return api({ ...config, isRepeated: true });
  });
  return state;
}

const twenty = (ask) => Promise.all(Array.from({ length: 20 }, ask));

/** What a request is refused with. */
async function refusal(request) {
  const error = await request.then(
    () => assert.fail("it was not refused"),
    (error) => error);
  if (!error.response) throw error;
  return error.response;
}

test("twenty requests that wait for a new token cost one renewal", async () => {
  const client = frontend(await newPerson(), { isShared: true });

  const answers = await twenty(() => client.api.get("/profile/"));

  assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([200]));
  assert.equal(client.renewals, 1);
});

test("twenty requests that each renew all get their answer", async () => {
  const client = frontend(await newPerson(), { isShared: false });

  const answers = await twenty(() => client.api.get("/info/"));

  assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([200]));
  assert.equal(client.renewals, 20);
});

test("an expired token is refused as SimpleJWT refuses it", async () => {
  const person = await newPerson();

  const { status, data, headers } = await refusal(axios.get(`${service}/api/v1/profile/`, {
    headers: { Authorization: `Bearer ${expired(person.access)}` },
  }));

  assert.equal(status, 401);
  assert.equal(data.code, "token_not_valid");
  assert.equal(headers["www-authenticate"], "Bearer");
});

test("an interceptor ends with a 401 when the session is over", async () => {
  const person = await newPerson();
  const client = frontend(person, { isShared: true });
  await axios.post(`${service}/api/v1/auth/logout/`, { refresh: person.refresh }, {
    headers: { Authorization: `Bearer ${person.access}` },
  });

  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => client.api.get("/profile/")));

  assert.deepEqual(new Set(outcomes.map((outcome) => outcome.reason?.response?.status)), new Set([401]));
  assert.ok(outcomes.some((outcome) => outcome.reason.response.data.detail === "Token is invalid or expired"));
  assert.equal(client.renewals, 1);
});

test("the renewed pair goes on, in another tab too", async () => {
  const person = await newPerson();
  const first = frontend(person, { isShared: true });
  const second = frontend(person, { isShared: true });
  await first.api.get("/profile/");

  await second.api.get("/profile/");

  assert.equal(second.refresh, first.refresh);
  assert.notEqual(first.refresh, person.refresh);
});

test("a form with a picture tells its progress", async () => {
  const person = await newPerson();
  const file = pictureFile();
  const form = new FormData();
  form.append("bio", "七年级");
  form.append("avatar", fs.createReadStream(file), { filename: "照片.png" });
  const steps = [];

  const { data } = await axios.put(`${service}/api/v1/profile/update/`, form, {
    headers: { Authorization: `Bearer ${person.access}` },
    onUploadProgress: ({ loaded, total }) => steps.push({ loaded, total }),
  });

  assert.equal(data.user.bio, "七年级");
  assert.match(data.user.avatar_url, /\/media\/avatars\/[0-9a-f]{32}\.png$/);
  assert.ok(steps.length > 1, `${steps.length} steps`);
  assert.ok(steps.at(-1).loaded > fs.statSync(file).size);
  const picture = await axios.get(data.user.avatar_url, { responseType: "arraybuffer" });
  assert.equal(picture.headers["content-type"], "image/png");
});

test("a picture over the limit is refused with words that can be read", async () => {
  const person = await newPerson();
  const form = new FormData();
  form.append("avatar", fs.createReadStream(pictureFile(1600)));

  const { status, data } = await refusal(axios.put(`${service}/api/v1/profile/update/`, form, {
    headers: { Authorization: `Bearer ${person.access}` }, maxBodyLength: Infinity,
  }));

  assert.equal(status, 413);
  assert.equal(typeof data.detail, "string");
});

test("null as the body of a logout is no mistake", async () => {
  const person = await newPerson();
  const login = await axios.post(`${service}/api/v1/auth/login/json`, { username: person.username, password });
  const headers = { Authorization: `Bearer ${login.data.access_token}` };

  const { status, data } = await axios.post(`${service}/api/v1/auth/logout`, null, { headers });

  assert.equal(status, 200);
  assert.equal(data.message, "登出成功");
  assert.equal((await refusal(axios.get(`${service}/api/v1/auth/me`, { headers }))).status, 401);
});

test("null that is sent as JSON is no mistake either", async () => {
  const person = await newPerson();
  const login = await axios.post(`${service}/api/users/login`, { email: person.email, password });
  const headers = { Authorization: `Bearer ${login.data.access_token}` };

  const { status, data } = await axios.post(`${service}/api/users/logout`, null, {
    headers: { ...headers, "Content-Type": "application/json" },
  });

  assert.equal(status, 200);
  assert.equal(data.message, "You have been logged out.");
  assert.equal((await refusal(axios.get(`${service}/api/users/me`, { headers }))).status, 401);
});

test("URLSearchParams sign in where contract 5 takes a form", async () => {
  const person = await newPerson();

  const { data, config } = await axios.post(`${service}/api/v1/auth/login`,
    new URLSearchParams({ username: person.email, password }));

  assert.match(config.headers["Content-Type"], /^application\/x-www-form-urlencoded/);
  assert.equal(data.token_type, "bearer");
  assert.equal(data.user.username, person.username);
});

test("field errors come where axios shows them", async () => {
  const { username, email } = await newPerson();

  const { status, data } = await refusal(axios.post(`${service}/api/v1/auth/register/`, {
    username, email, password: "12345678", password_confirm: "1234567",
  }));

  assert.equal(status, 400);
  assert.deepEqual(Object.keys(data.errors).sort(), ["email", "password", "password_confirm", "username"]);
  assert.deepEqual(data.errors.password, [
    "This password is too common.", "This password is entirely numeric.",
  ]);
});

test("parameters of a query narrow the list, and its link leads on", async () => {
  const { access, id } = await newPerson();
  await newPerson();
  const headers = { Authorization: `Bearer ${access}` };

  const first = await axios.get(`${service}/api/user/list/`, { headers, params: { limit: 1, after: id - 1 } });
  const next = first.headers.link.match(/^<([^>]+)>; rel="next"$/)[1];
  const second = await axios.get(next, { headers });

  assert.deepEqual(first.data.map((person) => person.id), [id]);
  assert.ok(second.data[0].id > id);
});

test("registration through each contract takes what axios sends", async () => {
  const [a, b, c, d, e] = Array.from({ length: 5 }, newName);
  const mail = (name) => `${name}@example.com`;

  const answers = await Promise.all([
    axios.post(`${service}/api/v1/auth/register/`, {
      username: a, email: mail(a), password, password_confirm: password,
    }),
    axios.post(`${service}/api/auth/register/`, { username: b, email: mail(b), password, password2: password }),
    axios.post(`${service}/api/user/register/`, { username: c, email: mail(c), password, password2: password }),
    axios.post(`${service}/api/users/register`, {
      email: mail(d), password, first_name: "三", last_name: "张", phone_number: "13800138000",
    }),
    axios.post(`${service}/api/v1/auth/register`, {
      username: e, email: mail(e), password, confirm_password: password,
    }),
  ]);

  assert.deepEqual(answers.map((answer) => answer.status), [201, 201, 201, 200, 201]);
});
