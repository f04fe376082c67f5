// What all pages have in common: languages, theme, header, forms.
import { Client, Refused } from "/pages/api.js";
import { english } from "/pages/words.js";

export const api = new Client();
export const root = document.documentElement;

const roles = { student: ["学生", "Student"], mentor: ["导师", "Mentor"], teacher: ["老师", "Teacher"] };

/** `["学生", "Student"]` */
export const roleWords = (role) => roles[role] ?? [role, role];

// MARK: What this browser remembers, so that a page is drawn right before the account is there. Never a secret.

export const memory = {
  get(key) { try { return localStorage.getItem(key); } catch { return null; } },
  set(key, value) {
    try { value === null ? localStorage.removeItem(key) : localStorage.setItem(key, value); } catch { /* forbidden */ }
  },
};

// MARK: Elements and words

/** An element. `say` is its text in Chinese and English, `label` its accessible name in both; the rest are properties. */
export function element(tag, { say: words, label, ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  if (words) say(made, ...words);
  if (label) name(made, ...label);
  made.append(...children);
  return made;
}

/** Gives an element its text in both languages. */
export function say(target, zh, en = zh) {
  Object.assign(target.dataset, { zh, en });
  target.textContent = root.lang === "zh" ? zh : en;
  return target;
}

/** Gives an element its accessible name in both languages. */
export function name(target, zh, en) {
  Object.assign(target.dataset, { labelZh: zh, labelEn: en });
  target.setAttribute("aria-label", root.lang === "zh" ? zh : en);
}

/** Shows everything in a language. */
function speak(language) {
  root.lang = language;
  for (const spoken of document.querySelectorAll("[data-en]")) {
    spoken.dataset.zh ??= spoken.textContent;
    spoken.textContent = spoken.dataset[language];
  }
  for (const named of document.querySelectorAll("[data-label-en]")) {
    named.dataset.labelZh ??= named.getAttribute("aria-label");
    named.setAttribute("aria-label", language === "zh" ? named.dataset.labelZh : named.dataset.labelEn);
  }
  const button = document.getElementById("language-switch");
  if (button) [button.lang, button.textContent] = language === "zh" ? ["en", "English"] : ["zh", "中文"];
  dispatchEvent(new CustomEvent("spoken"));
}

function paint(theme) {
  root.dataset.theme = theme;
  const choice = document.getElementById("theme-choice");
  if (choice) choice.value = theme;
}

/** A time as people read it, in both languages and the account's time zone. */
export function time(text, timeZone, options = { dateStyle: "medium", timeStyle: "short" }) {
  if (!text) return ["从未", "never"];
  return ["zh-CN", "en-GB"].map((language) => {
    try {
      return new Intl.DateTimeFormat(language, { ...options, timeZone }).format(new Date(text));
    } catch {
      return new Intl.DateTimeFormat(language, options).format(new Date(text));    // a zone that the browser lacks
    }
  });
}

/** Somebody's picture, or the first letter of their name. It says nothing that does not stand beside it. */
export function portrait(url, text, size) {
  const frame = element("span", { className: `portrait size-${size}` });
  if (url) {
    // The pages come from where the pictures come from, whatever name the URL calls that.
    const source = new URL(url, location.href).pathname;
    frame.append(element("img", { src: source, alt: "", width: size, height: size, loading: "lazy" }));
  } else {
    frame.append(element("span", { textContent: [...text][0]?.toUpperCase() ?? "" }));
    frame.setAttribute("aria-hidden", "true");
  }
  return frame;
}

// MARK: Header

const places = [
  ["/", "首页", "Home"], ["/profile", "个人资料", "Profile"], ["/avatar", "头像", "Picture"],
  ["/password", "密码", "Password"], ["/devices", "设备", "Devices"], ["/people", "人员", "People"],
];

/** Whether somebody with this role may see the list of people. */
export const seesPeople = (role) => role === "teacher" || role === "mentor";

function navigation(role) {
  const links = places.filter(([path]) => path !== "/people" || seesPeople(role)).map(([path, ...words]) => {
    const link = element("a", { href: path, say: words });
    if (path === location.pathname) link.setAttribute("aria-current", "page");
    return element("li", {}, link);
  });
  const out = element("button", { type: "button", className: "quiet", id: "sign-out", say: ["退出登录", "Sign out"] });
  out.addEventListener("click", signOut);
  return element("nav", { label: ["主菜单", "Main"] }, element("ul", {}, ...links, element("li", {}, out)));
}

function header() {
  const language = element("button", { type: "button", id: "language-switch", className: "quiet" });
  language.addEventListener("click", () => choose("language", root.lang === "zh" ? "en" : "zh"));
  const theme = element("select", { id: "theme-choice", className: "quiet", label: ["主题", "Theme"] },
    element("option", { value: "system", say: ["跟随系统", "System"] }),
    element("option", { value: "light", say: ["浅色", "Light"] }),
    element("option", { value: "dark", say: ["深色", "Dark"] }));
  theme.addEventListener("change", () => choose("theme", theme.value));
  const logo = element("img", { src: "/pages/icon.svg", alt: "", width: 28, height: 28 });
  const brand = element("a", { href: "/", className: "brand" }, logo, "Homeroom");
  document.querySelector("header").replaceChildren(
    element("div", { className: "bar" }, brand, element("div", { className: "choices" }, theme, language)));
  const role = memory.get("role");
  if (role && !document.body.dataset.outside) document.querySelector("header").append(navigation(role));
  paint(root.dataset.theme);
}

/** Language or theme, from the switch: for this browser, and for the account where somebody is signed in. */
async function choose(key, value) {
  key === "language" ? speak(value) : paint(value);
  memory.set(key, value);
  if (!memory.get("role")) {
    memory.set(`chosen-${key}`, value);
    return;
  }
  try {
    await api.send("PATCH", "/api/account/", { [key]: value });
    dispatchEvent(new CustomEvent("chosen", { detail: { key, value } }));
  } catch {
    memory.set(`chosen-${key}`, value);    // kept with the next account page
  }
}

/** What was chosen before there was an account to remember it, and what else is known of a new one. */
export async function keepChoices(more = {}) {
  const chosen = { ...more };
  for (const key of ["language", "theme"]) chosen[key] = memory.get(`chosen-${key}`) ?? more[key];
  const isEmpty = Object.values(chosen).every((value) => value === undefined);
  if (!isEmpty) await api.send("PATCH", "/api/account/", chosen);
  for (const key of ["language", "theme"]) memory.set(`chosen-${key}`, null);
}

async function signOut() {
  try {
    await api.send("POST", "/api/user/logout/");
  } catch (error) {
    if (error.status !== 401) return announce(...failure(error));
  }
  memory.set("role", null);
  location.assign("/");
}

// MARK: Who is signed in

/** The account, with its language and theme shown; whoever is not signed in is sent to do so and comes back. */
export async function account() {
  try {
    const { body } = await api.send("GET", "/api/account/");
    const isLocked = body.must_change_password === true;    // nothing can be kept before
    for (const key of ["language", "theme"]) body[key] = memory.get(`chosen-${key}`) ?? body[key];
    if (!isLocked) await keepChoices();
    show(body);
    if (!isLocked || location.pathname === "/password") return body;
    location.replace(`/password?next=${encodeURIComponent(location.pathname)}`);
    return new Promise(() => {});
  } catch (error) {
    if (error.status === 401) {
      memory.set("role", null);
      location.replace(`/?next=${encodeURIComponent(location.pathname)}`);
    } else {
      announce(...failure(error));
    }
    return new Promise(() => {});    // nothing more happens on this page
  }
}

/** Brings the page in line with an account. */
export function show(account) {
  if (memory.get("role") !== account.role) {
    memory.set("role", account.role);
    header();
  }
  for (const key of ["language", "theme"]) memory.set(key, account[key]);
  if (account.theme !== root.dataset.theme) paint(account.theme);
  if (account.language !== root.lang) speak(account.language);
}

/** The page that was asked for before signing in: one of ours, never another address. */
export function destination() {
  const next = new URLSearchParams(location.search).get("next");
  return places.some(([path]) => path === next) ? next : "/";
}

// MARK: Forms

/** What a refusal says, in Chinese and English, where it belongs to no field. */
export function failure(error) {
  if (!(error instanceof Refused)) throw error;    // a mistake of ours
  const minutes = Math.ceil((error.retryAfter ?? 60) / 60);
  switch (error.status) {
    case 0: return ["无法连接服务器。请检查网络后重试。", "The server cannot be reached. Check the network and try again."];
    case 413: return ["发送的内容太大。", "What was sent is too large."];
    case 429: return error.code === "too_many_requests"
      ? ["请求过于频繁，请稍后再试。", "Too many requests. Try again in a moment."]
      : [`失败次数过多。请在${minutes}分钟后再试。`, `Too many failed attempts. Try again in ${minutes} min.`];
    case 502: case 503: case 504:
      return ["服务繁忙，请稍后再试。", "The service is busy. Try again in a moment."];
    case 500: return [`服务器内部错误（${error.request}）。`, `Something went wrong on our side (${error.request}).`];
    default: {
      const text = error.message || `HTTP ${error.status}`;
      return [text, english(text)];
    }
  }
}

/** Says something below the page's heading, also to screen readers. */
export function announce(zh, en, isWrong = true) {
  const outcome = document.getElementById("outcome");
  outcome.className = isWrong ? "outcome wrong" : "outcome right";
  say(outcome, zh, en);
}

/** Calls `send` with a form's values when it is submitted, and shows what is wrong at the fields that it is wrong with. */
export function submit(form, send) {
  form.noValidate = true;    // what browsers say of fields is in their language, not in the page's
  const inputs = [...form.elements].filter((field) => field.name);
  for (const input of inputs) prepare(input);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    if (button.disabled) return;
    clear(form);
    button.disabled = true;
    form.setAttribute("aria-busy", "true");
    try {
      await send(Object.fromEntries(new FormData(form)));
    } catch (error) {
      complain(form, error);
    } finally {
      button.disabled = false;
      form.removeAttribute("aria-busy");
    }
  });
}

/** The same refusal that the server would give, before anything is sent. */
export function refuse(fields) {
  const refused = new Refused({ status: 400, body: { errors: fields }, headers: new Headers() });
  refused.isOurs = true;
  return refused;
}

function prepare(input) {
  const group = input.closest(".field");
  if (!group || group.querySelector(".error")) return;
  const error = element("p", { className: "error", id: `${input.name}-error` });
  group.append(error);
  const hint = group.querySelector(".hint")?.id;
  input.setAttribute("aria-describedby", [hint, error.id].filter(Boolean).join(" "));
  if (input.type === "password") reveal(input);
}

/** A button that shows what was typed. */
function reveal(input) {
  const button = element("button", { type: "button", className: "reveal", say: ["显示", "Show"] });
  button.setAttribute("aria-controls", input.id);
  const words = () => name(button, ...(input.type === "password" ? ["显示密码", "Show password"] : ["隐藏密码", "Hide password"]));
  words();
  button.addEventListener("click", () => {
    input.type = input.type === "password" ? "text" : "password";
    say(button, ...(input.type === "password" ? ["显示", "Show"] : ["隐藏", "Hide"]));
    words();
  });
  const frame = element("div", { className: "secret" });
  input.replaceWith(frame);
  frame.append(input, button);
}

/** Takes away what is said to be wrong. */
export function clear(form) {
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  for (const error of form.querySelectorAll(".error")) say(error, "");
  announce("", "", false);
}

function complain(form, error) {
  const general = failure(error);
  const lost = [];
  for (const [field, texts] of Object.entries(error.fields)) {
    const place = document.getElementById(`${field}-error`);
    if (!place || !form.contains(place)) {
      lost.push(...texts);
      continue;
    }
    for (const input of place.closest(".field").querySelectorAll("[name]")) input.setAttribute("aria-invalid", "true");
    say(place, texts.map((text) => text.zh ?? text).join(" "), texts.map((text) => text.en ?? english(text)).join(" "));
  }
  const wrong = form.querySelector("[aria-invalid]");
  if (lost.length > 0) announce(lost.join(" "), lost.map(english).join(" "));
  else if (wrong) announce("部分字段需要修改。", "Some fields need another look.");
  else announce(...general);
  (wrong ?? form.querySelector("[type=submit]")).focus();
}

// MARK: At the start

header();
speak(root.lang);
delete root.dataset.waits;
